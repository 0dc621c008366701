#include "cli/test_expectation.h"

#include <algorithm>
#include <fmt/format.h>

namespace divan::cli {
namespace {

bool same_number(const json::Value &a, const json::Value &b) {
    auto whole_a = a.as_int64();
    auto whole_b = b.as_int64();
    if (whole_a && whole_b)
        return *whole_a == *whole_b;
    return a.number_text() == b.number_text() || a.as_double() == b.as_double();
}

bool same_members(const json::Object &a, const json::Object &b) {
    return a.size() == b.size() && std::all_of(a.begin(), a.end(), [&](const json::Member &member) {
               const auto *other = b.find(member.key);
               return other != nullptr && same_value(member.value, *other);
           });
}

// The members of `value` that `names` has, in that order; `doc` likewise.
json::Value named_members(const json::Object &names, const json::Value &value) {
    if (!value.is_object())
        return value;
    json::Object found;
    for (const auto &member : names)
        if (const auto *other = value.object().find(member.key); other != nullptr) {
            bool deeper = member.key == "doc" && member.value.is_object();
            found.append(member.key, deeper ? named_members(member.value.object(), *other) : *other);
        }
    return found;
}

json::Value strings(const std::vector<std::string> &texts) {
    return json::Array(texts.begin(), texts.end());
}

} // namespace

bool same_value(const json::Value &a, const json::Value &b) {
    if (a.is_number() && b.is_number())
        return same_number(a, b);
    if (a.is_object() && b.is_object())
        return same_members(a.object(), b.object());
    if (a.is_array() && b.is_array())
        return std::equal(a.array().begin(), a.array().end(), b.array().begin(), b.array().end(), same_value);
    return a == b;
}

std::optional<Difference> compare_named(std::string where, const json::Value &expected,
                                        const json::Value &got) {
    auto shown = expected.is_object() ? named_members(expected.object(), got) : got;
    if (same_value(expected, shown))
        return std::nullopt;
    return Difference{std::move(where), expected, std::move(shown)};
}

std::vector<Difference> compare_rows(std::string_view where, const json::Array &expected,
                                     const json::Array &got) {
    std::vector<Difference> found;
    for (std::size_t i = 0; i < std::max(expected.size(), got.size()); ++i) {
        auto place = fmt::format("{}[{}]", where, i);
        if (i >= expected.size())
            found.push_back({std::move(place), std::nullopt, got[i]});
        else if (i >= got.size())
            found.push_back({std::move(place), expected[i], std::nullopt});
        else if (auto difference = compare_named(std::move(place), expected[i], got[i]))
            found.push_back(std::move(*difference));
    }
    return found;
}

std::optional<Difference> compare_sets(std::string where, std::vector<std::string> expected,
                                       std::vector<std::string> got) {
    std::sort(expected.begin(), expected.end());
    std::sort(got.begin(), got.end());
    if (expected == got)
        return std::nullopt;
    return Difference{std::move(where), strings(expected), strings(got)};
}

} // namespace divan::cli
