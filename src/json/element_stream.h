#pragma once

// Takes a large answer apart while it arrives: the elements of one array, one by one, in memory no larger
// than the largest of them.
//
//   ElementStream stream("results", {...});      // of {"results":[E,E,...],"last_seq":"9-x"}
//   stream.feed(bytes);
//   while (auto element = stream.next()) ...     // the text of E
//   auto rest = stream.finish();                 // {"results":[],"last_seq":"9-x"}
//
// Only brackets, strings and commas are looked at: an element's text is to be parsed by who takes it.

#include "json/value.h"

#include <deque>
#include <optional>
#include <string>
#include <string_view>

namespace divan::json {

class ElementStream {
  public:
    // `member` of the root object; empty: the root is the array. What is not an element may have 1 MB.
    explicit ElementStream(std::string_view member, std::size_t element_bytes_max = 256 << 20);

    // Errors: bad_request (not such a text), too_large. After an error it is of no use.
    Result<void> feed(std::string_view bytes);
    // An element that is whole, or nothing yet.
    [[nodiscard]] std::optional<std::string> next();
    // What is not an element, parsed; the array is empty in it. Errors: bad_request: the text has not ended
    // or is malformed.
    [[nodiscard]] Result<Value> finish() const;

  private:
    Result<void> take(char c);
    Result<void> outside(char c);
    Result<void> inside(char c);
    [[nodiscard]] bool array_begins() const;
    void end_element();

    const std::string key_; // `"results":`
    const std::size_t element_bytes_max_;
    std::string rest_;
    std::string element_;
    std::deque<std::string> elements_;
    std::size_t depth_ = 0;       // open brackets
    std::size_t array_depth_ = 0; // of the elements' array; 0: not inside
    bool found_ = false;
    bool in_string_ = false;
    bool escaped_ = false;
    bool comma_ = false; // an element must follow
};

} // namespace divan::json
