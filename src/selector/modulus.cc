#include "selector/modulus.h"

#include <algorithm>
#include <charconv>

namespace divan::selector {
namespace {

// A divisor below this leaves remainders that can take another digit in 64 bits.
constexpr std::uint64_t kShortDivisorEnd = std::uint64_t{1} << 60;

std::string_view magnitude(std::string_view integer) {
    if (integer.starts_with('-'))
        integer.remove_prefix(1);
    return integer.substr(std::min(integer.find_first_not_of('0'), integer.size()));
}

bool is_less(std::string_view left, std::string_view right) {
    return left.size() != right.size() ? left.size() < right.size() : left < right;
}

// left -= right, digits without zeros in front. REQUIRES: left >= right
void subtract(std::string &left, std::string_view right) {
    bool borrow = false;
    for (std::size_t i = 0; i < left.size(); ++i) {
        const int taken = i < right.size() ? right[right.size() - 1 - i] - '0' : 0;
        auto &digit = left[left.size() - 1 - i];
        int rest = digit - '0' - taken - (borrow ? 1 : 0);
        borrow = rest < 0;
        rest += borrow ? 10 : 0;
        digit = static_cast<char>('0' + rest);
    }
    left.erase(0, std::min(left.find_first_not_of('0'), left.size()));
}

// Division by hand: numbers of documents have some hundred digits at most.
std::string long_remainder(std::string_view dividend, std::string_view divisor) {
    std::string rest;
    for (char digit : dividend) {
        if (!rest.empty() || digit != '0')
            rest.push_back(digit);
        while (!is_less(rest, divisor))
            subtract(rest, divisor);
    }
    return rest;
}

std::string short_remainder(std::string_view dividend, std::uint64_t divisor) {
    std::uint64_t rest = 0;
    for (char digit : dividend)
        rest = (10 * rest + static_cast<std::uint64_t>(digit - '0')) % divisor;
    return rest == 0 ? std::string() : std::to_string(rest);
}

} // namespace

Modulus::Modulus(std::string_view divisor, std::string_view remainder)
    : divisor_(magnitude(divisor)), remainder_(magnitude(remainder)),
      remainder_negative_(remainder.starts_with('-')) {
    std::uint64_t value = 0;
    const auto error = std::from_chars(divisor_.data(), divisor_.data() + divisor_.size(), value).ec;
    if (error == std::errc() && value < kShortDivisorEnd)
        short_divisor_ = value;
}

bool Modulus::matches(std::string_view number) const {
    if (number.find_first_of(".eE") != std::string_view::npos)
        return false;
    if (!remainder_.empty() && number.starts_with('-') != remainder_negative_)
        return false;
    const auto digits = magnitude(number);
    return (short_divisor_ != 0 ? short_remainder(digits, short_divisor_)
                                : long_remainder(digits, divisor_)) == remainder_;
}

} // namespace divan::selector
