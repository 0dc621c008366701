#pragma once

// Values of a selector, made ready to be compared with slices of canonical text.
//
// Threads: any, read only; the buffers that are passed in are the caller's.

#include "json/value.h"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace divan::selector {

// The places of the types in the order of values (collation/sort_key.h).
enum class TypeRank : std::uint8_t { null, false_, true_, number, string, array, object };
// REQUIRES: canonical text.
[[nodiscard]] TypeRank type_rank(std::string_view json);

// Whether it is a string of printable ASCII without escapes: of such strings no two are equal to the
// collator that differ in their bytes, as each character has weights of its own.
[[nodiscard]] bool is_plain_string(std::string_view json);
// Whether it is an integer of one text: no point, no exponent, not -0.
[[nodiscard]] bool is_plain_integer(std::string_view json);

// One value, in the order of view keys.
class Literal {
  public:
    explicit Literal(const json::Value &value);

    // <0, 0, >0: `json` compared with the literal. `key` is overwritten.
    [[nodiscard]] int compare(std::string_view json, std::string &key) const;
    [[nodiscard]] bool equals(std::string_view json, std::string &key) const;

  private:
    std::string text_;
    std::string key_;
    TypeRank rank_;
    bool plain_string_;
    std::optional<double> number_; // if doubles compare as it does
};

// The values of $in and $nin.
class LiteralSet {
  public:
    explicit LiteralSet(const json::Array &values);
    [[nodiscard]] bool contains(std::string_view json, std::string &key) const;
    [[nodiscard]] bool empty() const { return keys_.empty(); }

  private:
    std::vector<std::string> texts_; // sorted
    std::vector<std::string> keys_;  // sorted
    // Whether all strings, or all numbers, are plain.
    bool plain_strings_ = true;
    bool plain_integers_ = true;
};

// The values of $all, compared as Erlang's =:= does: numbers by value among integers and among doubles, but
// 1 is not 1.0; strings by bytes; objects member by member in their order.
class TermSet {
  public:
    explicit TermSet(const json::Array &values);

    // Whether every value is an element of the array, or the only value is an array that is == to it: with
    // 1 == 1.0. `key` and `seen` are overwritten.
    [[nodiscard]] bool all_in(std::string_view array, std::string &key, std::vector<char> &seen) const;

  private:
    std::vector<std::string> terms_;       // sorted, unique
    std::optional<std::string> whole_key_; // of the only value, if that is an array
};

} // namespace divan::selector
