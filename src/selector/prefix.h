#pragma once

// The prefix of $beginsWith, as Erlang's string:prefix() understands it: code point by code point, but the
// last one must be a whole grapheme cluster. "e" is no prefix of "e" + U+0301, nor CR of CR LF.
//
// Threads: any, read only.

#include <cstdint>
#include <string>
#include <string_view>

namespace divan::selector {

class Prefix {
  public:
    // REQUIRES: valid UTF-8.
    explicit Prefix(std::string_view utf8);

    // REQUIRES: what canonical text has between the quotes of a string.
    [[nodiscard]] bool matches(std::string_view inside_quotes) const;

  private:
    std::string text_; // as canonical text writes it
    std::int32_t last_ = 0;
};

} // namespace divan::selector
