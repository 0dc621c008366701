#pragma once

// Compares what a test expects with what came.

#include "json/value.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace divan::cli {

struct Difference {
    std::string where;                   // "rows[1]"
    std::optional<json::Value> expected; // nullopt: nothing
    std::optional<json::Value> got;      // nullopt: nothing
};

// Whether two values are the same to JavaScript: the order of members and the form of numbers (1, 1.0) do not
// count.
[[nodiscard]] bool same_value(const json::Value &a, const json::Value &b);

// Of an object that is expected only the members that it names are compared; anything else whole. Of what
// came, `got` shows those members.
[[nodiscard]] std::optional<Difference> compare_named(std::string where, const json::Value &expected,
                                                      const json::Value &got);

// One after the other, each as compare_named() does; also what is missing and what is too much. `doc` of a
// row is compared by the members that it names as well.
[[nodiscard]] std::vector<Difference> compare_rows(std::string_view where, const json::Array &expected,
                                                   const json::Array &got);

// Without order.
[[nodiscard]] std::optional<Difference> compare_sets(std::string where, std::vector<std::string> expected,
                                                     std::vector<std::string> got);

} // namespace divan::cli
