#include "collation/number_key.h"

#include "base/check.h"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>

namespace divan::collation {
namespace {

constexpr std::int64_t kShortExponentMin = -62;
constexpr std::int64_t kShortExponentMax = 189;
constexpr std::int64_t kShortExponentBias = 64;
constexpr unsigned kExponentBelowMark = 1;
constexpr unsigned kExponentAboveMark = 254;
constexpr double kExactIntegersEnd = 9007199254740992.0; // 2^53
constexpr std::size_t kDoubleDigitsMax = 320;            // 1.8e308 in full

struct Decimal {
    bool negative;
    std::int64_t exponent;
    std::string_view digits; // no zero at the end; empty for zero
};

std::string_view without_zeros_at_end(std::string_view digits) {
    while (!digits.empty() && digits.back() == '0')
        digits.remove_suffix(1);
    return digits;
}

void append_decimal(std::string &out, const Decimal &decimal) {
    if (decimal.digits.empty()) {
        out.push_back(kZeroType);
        return;
    }
    const unsigned inversion = decimal.negative ? 0xff : 0;
    auto put = [&](std::uint64_t byte) { out.push_back(static_cast<char>((byte & 0xff) ^ inversion)); };
    out.push_back(decimal.negative ? kNegativeType : kPositiveType);
    if (decimal.exponent >= kShortExponentMin && decimal.exponent <= kShortExponentMax) {
        put(static_cast<std::uint64_t>(decimal.exponent + kShortExponentBias));
    } else {
        put(decimal.exponent < 0 ? kExponentBelowMark : kExponentAboveMark);
        auto ordered = static_cast<std::uint64_t>(decimal.exponent) ^ (std::uint64_t{1} << 63);
        for (int shift = 56; shift >= 0; shift -= 8)
            put(ordered >> shift);
    }
    auto size = decimal.digits.size();
    for (std::size_t i = 0; i < size; i += 2) {
        auto tens = static_cast<unsigned>(decimal.digits[i] - '0');
        auto ones = i + 1 < size ? static_cast<unsigned>(decimal.digits[i + 1] - '0') : 0;
        put(2 * (10 * tens + ones) + (i + 2 < size ? 1 : 0));
    }
}

double read_double(std::string_view text) {
    double number = 0;
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    // Out of range is too small here: json::parse refuses what is too large.
    return error == std::errc() && std::isfinite(number) ? number : 0;
}

void append_double(std::string &out, double number) {
    const bool negative = std::signbit(number);
    number = std::fabs(number);
    if (number == 0) {
        append_decimal(out, {});
        return;
    }
    std::array<char, kDoubleDigitsMax> buffer;
    char *begin = buffer.data();
    if (number >= kExactIntegersEnd) {
        auto [end, error] = std::to_chars(begin, begin + buffer.size(), number, std::chars_format::fixed, 0);
        DIVAN_CHECK(error == std::errc());
        std::string_view digits(begin, static_cast<std::size_t>(end - begin));
        append_decimal(out,
                       {negative, static_cast<std::int64_t>(digits.size()), without_zeros_at_end(digits)});
        return;
    }
    // D.DDDe-XX
    auto [end, error] = std::to_chars(begin, begin + buffer.size(), number, std::chars_format::scientific);
    DIVAN_CHECK(error == std::errc());
    std::string_view text(begin, static_cast<std::size_t>(end - begin));
    auto mark = text.find('e');
    auto exponent_text = text.substr(mark + 1);
    if (exponent_text.starts_with('+'))
        exponent_text.remove_prefix(1);
    std::int64_t exponent = 0;
    std::from_chars(exponent_text.data(), exponent_text.data() + exponent_text.size(), exponent);
    std::string_view digits(begin, 1);
    if (mark > 1) {
        buffer[1] = buffer[0]; // over the point
        digits = {begin + 1, mark - 1};
    }
    append_decimal(out, {negative, exponent + 1, without_zeros_at_end(digits)});
}

} // namespace

void append_number_key(std::string &out, std::string_view text) {
    const bool negative = text.starts_with('-');
    auto digits = text.substr(negative ? 1 : 0);
    if (digits.find_first_not_of("0123456789") != std::string_view::npos) {
        append_double(out, read_double(text));
        return;
    }
    auto exponent = static_cast<std::int64_t>(digits.size());
    append_decimal(out, {negative, exponent, without_zeros_at_end(digits)});
}

} // namespace divan::collation
