#include "collation/number_key.h"

#include "base/bytes.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

namespace divan::collation {
namespace {

// A number is d1.d2d3... x 10^exponent, without zeros at the end; zero has no digits.
struct Decimal {
    bool negative = false;
    std::int64_t exponent = 0;
    std::string digits;
};

// `exponent` belongs to the last digit.
Decimal normalised(bool negative, std::string digits, std::int64_t exponent) {
    auto begin = std::min(digits.find_first_not_of('0'), digits.size());
    digits.erase(0, begin);
    while (!digits.empty() && digits.back() == '0') {
        digits.pop_back();
        ++exponent;
    }
    if (digits.empty())
        return {};
    return {negative, exponent + static_cast<std::int64_t>(digits.size()) - 1, std::move(digits)};
}

Decimal of_double(double number) {
    constexpr double kExactIntegers = 9007199254740992.0; // 2^53
    bool negative = number < 0;
    number = std::abs(number);
    char text[400];
    if (number >= kExactIntegers) {
        // Every such double is an integer; all its digits, since it is compared to integers.
        auto size = std::snprintf(text, sizeof text, "%.0f", number);
        return normalised(negative, std::string(text, static_cast<std::size_t>(size)), 0);
    }
    auto end = std::to_chars(text, text + sizeof text, number, std::chars_format::scientific).ptr;
    std::string_view shortest(text, static_cast<std::size_t>(end - text));
    auto e = shortest.find('e');
    int exponent = std::atoi(std::string(shortest.substr(e + 1)).c_str());
    std::string digits(shortest.substr(0, e));
    std::int64_t fraction = 0;
    if (auto point = digits.find('.'); point != std::string::npos) {
        fraction = static_cast<std::int64_t>(digits.size() - point - 1);
        digits.erase(point, 1);
    }
    return normalised(negative, std::move(digits), exponent - fraction);
}

Decimal decimal_of(std::string_view text) {
    if (text.find_first_of(".eE") != std::string_view::npos)
        return of_double(std::strtod(std::string(text).c_str(), nullptr));
    bool negative = text.starts_with('-');
    return normalised(negative, std::string(text.substr(negative ? 1 : 0)), 0);
}

constexpr std::uint8_t kNegative = 1;
constexpr std::uint8_t kZero = 2;
constexpr std::uint8_t kPositive = 3;
// Exponents from -100 to 100 take one byte; others say how they are written.
constexpr std::int64_t kSmallExponent = 100;
constexpr std::uint8_t kExponentMiddle = 128;

void append_exponent(std::string &out, std::int64_t exponent) {
    if (std::abs(exponent) <= kSmallExponent) {
        append_u8(out, static_cast<std::uint8_t>(kExponentMiddle + exponent));
        return;
    }
    append_u8(out, exponent < 0 ? 0 : 255);
    append_u64(out, static_cast<std::uint64_t>(exponent) ^ (std::uint64_t{1} << 63));
}

} // namespace

void append_number(std::string &out, std::string_view text) {
    auto number = decimal_of(text);
    if (number.digits.empty()) {
        append_u8(out, kZero);
        return;
    }
    append_u8(out, number.negative ? kNegative : kPositive);
    auto begin = out.size();
    append_exponent(out, number.exponent);
    // Two digits a byte, 1 to 100; an odd one is followed by a zero. 0 ends.
    for (std::size_t i = 0; i < number.digits.size(); i += 2) {
        int high = number.digits[i] - '0';
        int low = i + 1 < number.digits.size() ? number.digits[i + 1] - '0' : 0;
        append_u8(out, static_cast<std::uint8_t>(1 + high * 10 + low));
    }
    append_u8(out, 0);
    if (number.negative)
        for (auto i = begin; i < out.size(); ++i)
            out[i] = static_cast<char>(~out[i]);
}

} // namespace divan::collation
