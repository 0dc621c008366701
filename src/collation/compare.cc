// Two keys compared as CouchDB does it, without sort keys.

#include "base/check.h"
#include "collation/collator.h"
#include "collation/sort_key.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>

namespace divan::collation {
namespace {

int sign(std::int64_t number) {
    return number < 0 ? -1 : number > 0 ? 1 : 0;
}

bool is_integer(std::string_view text) {
    return text.find_first_of(".eE") == std::string_view::npos;
}

// The digits of an integer, and whether it is below zero.
std::pair<bool, std::string> integer_parts(std::string_view text) {
    bool negative = text.starts_with('-');
    auto digits = std::string(text.substr(negative ? 1 : 0));
    digits.erase(0, std::min(digits.find_first_not_of('0'), digits.size()));
    return {negative && !digits.empty(), digits};
}

int compare_integers(std::string_view left, std::string_view right) {
    auto [left_negative, left_digits] = integer_parts(left);
    auto [right_negative, right_digits] = integer_parts(right);
    if (left_negative != right_negative)
        return left_negative ? -1 : 1;
    int order = left_digits.size() != right_digits.size()
                    ? (left_digits.size() < right_digits.size() ? -1 : 1)
                    : sign(left_digits.compare(right_digits));
    return left_negative ? -order : order;
}

int compare_numbers(const std::string &left, const std::string &right) {
    if (is_integer(left) && is_integer(right))
        return compare_integers(left, right);
    auto left_double = std::strtod(left.c_str(), nullptr);
    auto right_double = std::strtod(right.c_str(), nullptr);
    if (!is_integer(left) && !is_integer(right))
        return left_double < right_double ? -1 : left_double > right_double ? 1 : 0;
    // An integer and a double: exactly, by the integers around the double.
    bool left_is_double = !is_integer(left);
    auto number = left_is_double ? left_double : right_double;
    const auto &integer = left_is_double ? right : left;
    char text[400];
    auto size = std::snprintf(text, sizeof text, "%.0f", std::floor(number));
    std::string below(text, static_cast<std::size_t>(size));
    int order = compare_integers(below, integer);
    if (order == 0 && number > std::floor(number))
        order = 1;
    return left_is_double ? order : -order;
}

int compare_strings(const std::string &left, const std::string &right, Order order) {
    if (order == Order::raw)
        return sign(left.compare(right));
    UErrorCode status = U_ZERO_ERROR;
    auto result = ucol_strcollUTF8(collator(), left.data(), static_cast<std::int32_t>(left.size()),
                                   right.data(), static_cast<std::int32_t>(right.size()), &status);
    DIVAN_CHECK(U_SUCCESS(status));
    return result == UCOL_LESS ? -1 : result == UCOL_GREATER ? 1 : 0;
}

int type_rank(const json::Value &value, Order order) {
    bool raw = order == Order::raw;
    if (value.is_null())
        return raw ? 3 : 1;
    if (value.is_boolean())
        return value.boolean() ? (raw ? 4 : 3) : 2;
    if (value.is_number())
        return raw ? 1 : 4;
    if (value.is_string())
        return raw ? 7 : 5;
    if (value.is_array())
        return 6;
    return raw ? 5 : 7;
}

} // namespace

int compare(const json::Value &left, const json::Value &right, Order order) {
    if (auto ranks = type_rank(left, order) - type_rank(right, order); ranks != 0)
        return sign(ranks);
    if (left.is_number())
        return compare_numbers(left.number_text(), right.number_text());
    if (left.is_string())
        return compare_strings(left.string(), right.string(), order);
    if (left.is_array()) {
        const auto &a = left.array();
        const auto &b = right.array();
        for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i)
            if (int result = compare(a[i], b[i], order); result != 0)
                return result;
        return sign(static_cast<std::int64_t>(a.size()) - static_cast<std::int64_t>(b.size()));
    }
    if (!left.is_object())
        return 0;
    auto a = left.object().begin();
    auto b = right.object().begin();
    for (; a != left.object().end() && b != right.object().end(); ++a, ++b) {
        if (int result = compare_strings(a->key, b->key, order); result != 0)
            return result;
        if (int result = compare(a->value, b->value, order); result != 0)
            return result;
    }
    return a != left.object().end() ? 1 : b != right.object().end() ? -1 : 0;
}

} // namespace divan::collation
