#include "crypto/totp.h"

#include "base/check.h"
#include "base/encoding.h"

#include <fmt/format.h>

namespace divan::crypto {
namespace {

std::string_view uri_name(HashFunction function) {
    constexpr std::string_view kNames[] = {"SHA1", "SHA224", "SHA256", "SHA384", "SHA512"};
    return kNames[static_cast<std::size_t>(function)];
}

} // namespace

std::string hotp(HashFunction function, std::string_view key, std::uint64_t counter, unsigned digits) {
    DIVAN_CHECK(digits >= kTotpDigitsMin && digits <= kTotpDigitsMax);
    std::string message(8, '\0');
    for (std::size_t i = 0; i < 8; ++i)
        message[i] = static_cast<char>(counter >> (56 - 8 * i));
    auto mac = hmac(function, key, message);
    auto offset = static_cast<std::size_t>(mac.back() & 15);
    std::uint32_t number = 0;
    for (std::size_t i = 0; i < 4; ++i)
        number = number << 8 | static_cast<unsigned char>(mac[offset + i]);
    number &= 0x7fffffff;
    std::string code(digits, '0');
    for (auto digit = code.rbegin(); digit != code.rend(); ++digit) {
        *digit = static_cast<char>('0' + number % 10);
        number /= 10;
    }
    return code;
}

std::optional<std::uint64_t> verify_totp(const TotpParameters &parameters, std::string_view key,
                                         std::string_view code, std::chrono::microseconds now,
                                         unsigned steps) {
    auto present = std::chrono::floor<std::chrono::seconds>(now) / parameters.period;
    std::optional<std::uint64_t> matched;
    for (auto step = present - steps; step <= present + steps; ++step) {
        if (step < 0)
            continue;
        auto counter = static_cast<std::uint64_t>(step);
        if (constant_time_equal(hotp(parameters.function, key, counter, parameters.digits), code))
            matched = counter;
    }
    return matched;
}

Result<Secret> totp_uri(const TotpParameters &parameters, std::string_view key, std::string_view issuer,
                        std::string_view account) {
    for (auto name : {issuer, account})
        if (name.empty() || name.find(':') != std::string_view::npos)
            return Error(
                ErrorCode::bad_request,
                "The issuer and the account of a one-time password are not empty and have no colon.");
    auto secret = base32_encode(key);
    auto uri = fmt::format("otpauth://totp/{}:{}?secret={}&issuer={}&algorithm={}&digits={}&period={}",
                           percent_encode(issuer), percent_encode(account),
                           std::string_view(secret).substr(0, secret.find('=')), percent_encode(issuer),
                           uri_name(parameters.function), parameters.digits, parameters.period.count());
    cleanse(secret);
    return Secret::take(uri);
}

} // namespace divan::crypto
