// The order as CouchDB computes it: value against value, strings by ucol_strcollIter(). It shares nothing
// with the sort keys, so that each can be tested by the other.

#include "base/check.h"
#include "collation/collator.h"
#include "collation/sort_key.h"
#include "json/parser.h"

#include <array>
#include <cstdio>
#include <unicode/uiter.h>

namespace divan::collation {
namespace {

// Digits that any double needs behind the point, and the bytes of one in full.
constexpr int kFractionDigitsMax = 1074;
constexpr std::size_t kDoubleTextBytesMax = 1536;

int sign_of(int comparison) {
    return (comparison > 0) - (comparison < 0);
}

int rank(const json::Value &value, Order order) {
    const bool unicode = order == Order::unicode;
    if (value.is_null())
        return unicode ? 0 : 2;
    if (value.is_boolean())
        return value.boolean() ? (unicode ? 2 : 3) : 1;
    if (value.is_number())
        return unicode ? 3 : 0;
    if (value.is_string())
        return unicode ? 4 : 6;
    if (value.is_array())
        return 5;
    return unicode ? 6 : 4;
}

int compare_strings(std::string_view left, std::string_view right, Order order) {
    if (order == Order::raw)
        return sign_of(left.compare(right));
    UCharIterator left_iterator, right_iterator;
    uiter_setUTF8(&left_iterator, left.data(), static_cast<std::int32_t>(left.size()));
    uiter_setUTF8(&right_iterator, right.data(), static_cast<std::int32_t>(right.size()));
    UErrorCode status = U_ZERO_ERROR;
    auto result = ucol_strcollIter(root_collator(), &left_iterator, &right_iterator, &status);
    DIVAN_CHECK(U_SUCCESS(status));
    return static_cast<int>(result);
}

bool is_integer(const std::string &text) {
    return text.find_first_of(".eE") == std::string::npos;
}

// A number in full: [-]DIGITS[.DIGITS].
std::string full_text(const json::Value &number) {
    if (is_integer(number.number_text()))
        return number.number_text();
    std::array<char, kDoubleTextBytesMax> buffer;
    auto size = std::snprintf(buffer.data(), buffer.size(), "%.*f", kFractionDigitsMax, *number.as_double());
    DIVAN_CHECK(size > 0 && static_cast<std::size_t>(size) < buffer.size());
    return {buffer.data(), static_cast<std::size_t>(size)};
}

int compare_magnitudes(std::string_view left, std::string_view right) {
    auto left_point = std::min(left.find('.'), left.size());
    auto right_point = std::min(right.find('.'), right.size());
    if (left_point != right_point)
        return left_point < right_point ? -1 : 1;
    if (int order = left.substr(0, left_point).compare(right.substr(0, right_point)); order != 0)
        return sign_of(order);
    auto fraction = [](std::string_view text, std::size_t point) {
        auto digits = text.substr(std::min(point + 1, text.size()));
        while (digits.ends_with('0'))
            digits.remove_suffix(1);
        return digits;
    };
    return sign_of(fraction(left, left_point).compare(fraction(right, right_point)));
}

int compare_numbers(const json::Value &left, const json::Value &right) {
    if (!is_integer(left.number_text()) && !is_integer(right.number_text())) {
        double a = *left.as_double(), b = *right.as_double();
        return (a > b) - (a < b);
    }
    auto a = full_text(left), b = full_text(right);
    auto is_zero = [](const std::string &text) { return text.find_first_not_of("-0.") == std::string::npos; };
    auto sign = [&](const std::string &text) { return is_zero(text) ? 0 : text[0] == '-' ? -1 : 1; };
    if (sign(a) != sign(b))
        return sign_of(sign(a) - sign(b));
    if (sign(a) == 0)
        return 0;
    auto magnitude = [](const std::string &text) {
        return std::string_view(text).substr(text[0] == '-' ? 1 : 0);
    };
    return sign(a) * compare_magnitudes(magnitude(a), magnitude(b));
}

int compare_arrays(const json::Array &left, const json::Array &right, Order order) {
    for (std::size_t i = 0; i < left.size() && i < right.size(); ++i)
        if (int result = compare(left[i], right[i], order); result != 0)
            return result;
    return (left.size() > right.size()) - (left.size() < right.size());
}

int compare_objects(const json::Object &left, const json::Object &right, Order order) {
    auto a = left.begin();
    auto b = right.begin();
    for (; a != left.end() && b != right.end(); ++a, ++b) {
        if (int result = compare_strings(a->key, b->key, order); result != 0)
            return result;
        if (int result = compare(a->value, b->value, order); result != 0)
            return result;
    }
    return (left.size() > right.size()) - (left.size() < right.size());
}

json::Value parsed(const json::Value &raw) {
    auto value = json::parse(raw.raw_text(), {.depth_max = json::kAnyDepth});
    DIVAN_CHECK(value.ok());
    return std::move(value).value();
}

} // namespace

int compare(const json::Value &left, const json::Value &right, Order order) {
    if (left.is_raw())
        return compare(parsed(left), right, order);
    if (right.is_raw())
        return compare(left, parsed(right), order);
    if (auto a = rank(left, order), b = rank(right, order); a != b)
        return sign_of(a - b);
    if (left.is_number())
        return compare_numbers(left, right);
    if (left.is_string())
        return compare_strings(left.string(), right.string(), order);
    if (left.is_array())
        return compare_arrays(left.array(), right.array(), order);
    if (left.is_object())
        return compare_objects(left.object(), right.object(), order);
    return 0;
}

} // namespace divan::collation
