#pragma once

// Aggregates of the documents of a group.
//
// `sum`, `avg` and `stats` are of numbers, exact as views::Number is, and leave other values out; `min` and
// `max` are by the order of view keys, of any values; `count` of a field counts the documents that have it.
//
// Threads: values; any.

#include "mango/query.h"
#include "views/number.h"

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace divan::mango {

class Accumulator {
  public:
    explicit Accumulator(AggregateFunction function) : function_(function) {}

    // Takes the value of a document's field, canonical JSON; empty: it has none.
    void add(std::string_view value);
    void add_documents(std::uint64_t count) { count_ += count; }
    // JSON.
    [[nodiscard]] std::string result() const;
    // Bytes of memory, about.
    [[nodiscard]] std::size_t size() const { return sizeof(*this) + best_.size() + best_key_.size(); }

  private:
    void add_number(std::string_view value);
    void keep(std::string_view value, bool larger);

    AggregateFunction function_;
    std::uint64_t count_ = 0;
    views::Number sum_, squares_;
    std::optional<views::Number> least_, greatest_;
    std::string best_, best_key_; // of min and max
};

} // namespace divan::mango
