#pragma once

// Random documents and selectors. Names and values come from small sets, so that they meet often; among them
// are what is easily got wrong: numbers of several texts, strings that are equal to the collator, names with
// points, dollars and escapes.
//
// Not thread-safe. The same seed gives the same cases.

#include "json/value.h"

#include <random>

namespace divan::selector::testing {

class RandomCases {
  public:
    explicit RandomCases(std::uint64_t seed) : random_(seed) {}

    [[nodiscard]] json::Value document();
    // Most compile. Regular expressions have nothing but literal characters, `.`, `*`, `^` and `$`.
    [[nodiscard]] json::Value selector();

  private:
    std::size_t below(std::size_t end);
    bool one_in(std::size_t n) { return below(n) == 0; }
    template <typename Choices> auto one_of(const Choices &choices) { return choices[below(choices.size())]; }

    json::Value value(std::size_t depth_max);
    json::Value number();
    json::Value string();
    json::Array values(std::size_t count_max, std::size_t depth_max);
    std::string field();
    std::string regex();
    json::Value condition(std::size_t depth_max);
    json::Value operator_with_argument(std::size_t depth_max);
    json::Value selector(std::size_t depth_max);
    json::Array selectors(std::size_t depth_max);

    std::mt19937_64 random_;
};

// Whether a pattern of those matches somewhere: by trying every place and every length.
[[nodiscard]] bool simple_regex_matches(std::string_view pattern, std::string_view subject);

} // namespace divan::selector::testing
