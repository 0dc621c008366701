#include "views/number.h"

#include "base/check.h"
#include "json/value.h"

#include <algorithm>
#include <charconv>
#include <cmath>

namespace divan::views {
namespace {

__extension__ using UInt128 = unsigned __int128;

constexpr std::uint32_t kBase = 1'000'000'000;
constexpr std::size_t kBaseDigits = 9;
// The largest double has 309 digits before the point.
constexpr std::size_t kDigitsMax = 309;

UInt128 magnitude(Int128 number) {
    return number < 0 ? -static_cast<UInt128>(number) : static_cast<UInt128>(number);
}

std::string small_text(Int128 number) {
    auto rest = magnitude(number);
    std::string text;
    do {
        text.push_back(static_cast<char>('0' + static_cast<int>(rest % 10)));
        rest /= 10;
    } while (rest != 0);
    if (number < 0)
        text.push_back('-');
    std::reverse(text.begin(), text.end());
    return text;
}

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

// The layout that ECMAScript has for numbers, but with ".0" where there is neither point nor exponent.
std::string real_text(double number) {
    if (number == 0)
        return "0.0";
    char buffer[32];
    auto [end, error] =
        std::to_chars(buffer, buffer + sizeof buffer, std::abs(number), std::chars_format::scientific);
    DIVAN_CHECK(error == std::errc());
    std::string_view scientific(buffer, end);
    auto e = scientific.find('e');
    std::string digits(1, scientific[0]);
    if (e > 1)
        digits.append(scientific.substr(2, e - 2));
    int exponent = 0;
    auto power = scientific.substr(e + 1);
    power.remove_prefix(power.front() == '+' ? 1 : 0);
    std::from_chars(power.begin(), power.end(), exponent);

    std::string text(number < 0 ? "-" : "");
    auto count = static_cast<int>(digits.size());
    if (exponent < -6 || exponent > 20) {
        text.append(digits, 0, 1);
        if (count > 1)
            text.append(".").append(digits, 1);
        return text.append(exponent < 0 ? "e-" : "e+").append(std::to_string(std::abs(exponent)));
    }
    if (exponent < 0)
        return text.append("0.").append(static_cast<std::size_t>(-exponent - 1), '0').append(digits);
    auto whole = static_cast<std::size_t>(exponent) + 1;
    if (digits.size() <= whole)
        return text.append(digits).append(whole - digits.size(), '0').append(".0");
    return text.append(digits, 0, whole).append(".").append(digits, whole);
}

} // namespace

// ---- BigInteger

BigInteger::BigInteger(Int128 number) : negative_(number < 0) {
    for (auto rest = magnitude(number); rest != 0; rest /= kBase)
        limbs_.push_back(static_cast<std::uint32_t>(rest % kBase));
}

BigInteger BigInteger::parse(std::string_view text) {
    BigInteger number;
    number.negative_ = text.starts_with('-');
    text.remove_prefix(number.negative_ ? 1 : 0);
    while (!text.empty()) {
        auto group = text.substr(text.size() - std::min(text.size(), kBaseDigits));
        text.remove_suffix(group.size());
        std::uint32_t limb = 0;
        for (char digit : group)
            limb = limb * 10 + static_cast<std::uint32_t>(digit - '0');
        number.limbs_.push_back(limb);
    }
    number.trim();
    return number;
}

void BigInteger::trim() {
    while (!limbs_.empty() && limbs_.back() == 0)
        limbs_.pop_back();
    negative_ = negative_ && !limbs_.empty();
}

int BigInteger::compare_magnitude(const BigInteger &other) const {
    if (limbs_.size() != other.limbs_.size())
        return limbs_.size() < other.limbs_.size() ? -1 : 1;
    for (auto i = limbs_.size(); i-- > 0;)
        if (limbs_[i] != other.limbs_[i])
            return limbs_[i] < other.limbs_[i] ? -1 : 1;
    return 0;
}

int BigInteger::compare(const BigInteger &other) const {
    if (negative_ != other.negative_)
        return negative_ ? -1 : 1;
    return negative_ ? -compare_magnitude(other) : compare_magnitude(other);
}

void BigInteger::add(const BigInteger &other) {
    if (negative_ == other.negative_) {
        limbs_.resize(std::max(limbs_.size(), other.limbs_.size()) + 1);
        std::uint32_t carry = 0;
        for (std::size_t i = 0; i < limbs_.size(); ++i) {
            auto sum = limbs_[i] + (i < other.limbs_.size() ? other.limbs_[i] : 0) + carry;
            carry = sum >= kBase ? 1 : 0;
            limbs_[i] = sum - carry * kBase;
        }
    } else {
        bool swap = compare_magnitude(other) < 0;
        auto larger = swap ? other.limbs_ : limbs_;
        const auto &smaller = swap ? limbs_ : other.limbs_;
        std::uint32_t borrow = 0;
        for (std::size_t i = 0; i < larger.size(); ++i) {
            auto taken = (i < smaller.size() ? smaller[i] : 0) + borrow;
            borrow = larger[i] < taken ? 1 : 0;
            larger[i] = larger[i] + borrow * kBase - taken;
        }
        limbs_ = std::move(larger);
        negative_ = swap ? other.negative_ : negative_;
    }
    trim();
}

void BigInteger::multiply(const BigInteger &other) {
    std::vector<std::uint32_t> product(limbs_.size() + other.limbs_.size());
    for (std::size_t i = 0; i < limbs_.size(); ++i) {
        std::uint64_t carry = 0;
        for (std::size_t j = 0; j < other.limbs_.size() || carry != 0; ++j) {
            std::uint64_t factor = j < other.limbs_.size() ? other.limbs_[j] : 0;
            auto sum = product[i + j] + limbs_[i] * factor + carry;
            product[i + j] = static_cast<std::uint32_t>(sum % kBase);
            carry = sum / kBase;
        }
    }
    limbs_ = std::move(product);
    negative_ = negative_ != other.negative_;
    trim();
}

std::string BigInteger::text() const {
    if (limbs_.empty())
        return "0";
    std::string text(negative_ ? "-" : "");
    text.append(std::to_string(limbs_.back()));
    for (auto i = limbs_.size() - 1; i-- > 0;) {
        auto group = std::to_string(limbs_[i]);
        text.append(kBaseDigits - group.size(), '0').append(group);
    }
    return text;
}

std::size_t BigInteger::magnitude_bytes() const {
    auto rest = limbs_;
    std::size_t bytes = 0;
    for (; !rest.empty(); ++bytes) {
        std::uint64_t remainder = 0;
        for (auto i = rest.size(); i-- > 0;) {
            auto part = remainder * kBase + rest[i];
            rest[i] = static_cast<std::uint32_t>(part / 256);
            remainder = part % 256;
        }
        while (!rest.empty() && rest.back() == 0)
            rest.pop_back();
    }
    return bytes;
}

// ---- Number

std::optional<Number> Number::parse(std::string_view json) {
    auto unsigned_part = json.substr(json.starts_with('-') ? 1 : 0);
    if (unsigned_part.empty() || !is_digit(unsigned_part.front()))
        return std::nullopt;
    Number number;
    std::int64_t integer = 0;
    auto [end, error] = std::from_chars(json.begin(), json.end(), integer);
    if (end == json.end() && error == std::errc()) {
        number.small_ = integer;
        return number;
    }
    if (end == json.end()) {
        if (unsigned_part.size() > kDigitsMax)
            return std::nullopt;
        number.kind_ = Kind::big;
        number.big_ = BigInteger::parse(json);
        return number;
    }
    double real = 0;
    auto [real_end, real_error] = std::from_chars(json.begin(), json.end(), real);
    if (real_end != json.end())
        return std::nullopt;
    // Too small or too large: from_chars does not say which.
    if (real_error != std::errc())
        real = json::Value(json::Number{std::string(json)}).as_double().value_or(HUGE_VAL);
    if (!std::isfinite(real))
        return std::nullopt;
    number.become_real(real);
    return number;
}

void Number::become_real(double real) {
    kind_ = Kind::real;
    real_ = real;
}

BigInteger Number::big() const {
    return kind_ == Kind::big ? big_ : BigInteger(small_);
}

double Number::real() const {
    if (kind_ == Kind::real)
        return real_;
    if (kind_ == Kind::small)
        return static_cast<double>(small_);
    auto text = big_.text();
    double real = 0;
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), real);
    return error == std::errc() ? real : HUGE_VAL;
}

void Number::add(const Number &other) {
    if (kind_ == Kind::real || other.kind_ == Kind::real) {
        become_real(real() + other.real());
        return;
    }
    Int128 small = 0;
    if (kind_ == Kind::small && other.kind_ == Kind::small &&
        !__builtin_add_overflow(small_, other.small_, &small)) {
        small_ = small;
        return;
    }
    auto sum = big();
    sum.add(other.big());
    kind_ = Kind::big;
    big_ = std::move(sum);
}

void Number::multiply(const Number &other) {
    if (kind_ == Kind::real || other.kind_ == Kind::real) {
        become_real(real() * other.real());
        return;
    }
    Int128 small = 0;
    if (kind_ == Kind::small && other.kind_ == Kind::small &&
        !__builtin_mul_overflow(small_, other.small_, &small)) {
        small_ = small;
        return;
    }
    auto product = big();
    product.multiply(other.big());
    kind_ = Kind::big;
    big_ = std::move(product);
}

bool Number::less(const Number &other) const {
    if (kind_ == Kind::small && other.kind_ == Kind::small)
        return small_ < other.small_;
    if (kind_ == Kind::real || other.kind_ == Kind::real)
        return real() < other.real();
    return big().compare(other.big()) < 0;
}

bool Number::in_range() const {
    return kind_ == Kind::small || std::isfinite(real());
}

std::string Number::text() const {
    if (kind_ == Kind::small)
        return small_text(small_);
    return kind_ == Kind::big ? big_.text() : real_text(real_);
}

std::size_t Number::term_bytes() const {
    if (kind_ == Kind::real)
        return 1 + 8;
    if (kind_ == Kind::small && small_ >= 0 && small_ <= 255)
        return 1 + 1;
    if (kind_ == Kind::small && small_ >= INT32_MIN && small_ <= INT32_MAX)
        return 1 + 4;
    return 1 + 1 + 1 + big().magnitude_bytes();
}

} // namespace divan::views
