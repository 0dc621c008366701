#include "access/password_policy.h"

#include "access/password_regexp.h"
#include "config/config.h"

#include <algorithm>
#include <fmt/format.h>

namespace divan::access {
namespace {

constexpr std::string_view kRefused = "Password does not conform to requirements.";

bool is_upper(char c) {
    return c >= 'A' && c <= 'Z';
}
bool is_digit(char c) {
    return c >= '0' && c <= '9';
}
bool is_letter(char c) {
    return is_upper(c) || (c >= 'a' && c <= 'z');
}
// Everything else; of a character beyond ASCII one byte is enough.
bool is_special(char c) {
    return !is_letter(c) && !is_digit(c);
}

// Code points: bytes that do not continue one.
std::size_t character_count(std::string_view text) {
    return static_cast<std::size_t>(
        std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

} // namespace

PasswordPolicy password_policy(const config::Config &config) {
    PasswordPolicy policy;
    policy.min_length = static_cast<std::size_t>(config.integer("authentication", "password_min_length"));
    policy.require_special_chars = config.boolean("authentication", "require_special_chars");
    policy.require_numbers = config.boolean("authentication", "require_numbers");
    policy.require_uppercase = config.boolean("authentication", "require_uppercase");
    policy.history = static_cast<std::size_t>(config.integer("authentication", "password_history"));
    policy.max_age = std::chrono::days(config.integer("authentication", "password_max_age"));
    policy.regexps = config.text("chttpd_auth", "password_regexp");
    return policy;
}

Result<void> check_password_policy(std::string_view password, const PasswordPolicy &policy) {
    auto lacks = [&](bool (*kind)(char)) { return std::none_of(password.begin(), password.end(), kind); };
    std::string missing;
    auto ask = [&](bool asked, std::string what) {
        if (asked)
            missing.append(missing.empty() ? "" : ", ").append(what);
    };
    ask(character_count(password) < policy.min_length,
        fmt::format("at least {} characters", policy.min_length));
    ask(policy.require_uppercase && lacks(is_upper), "an upper-case letter");
    ask(policy.require_numbers && lacks(is_digit), "a digit");
    ask(policy.require_special_chars && lacks(is_special), "a special character");
    if (!missing.empty())
        return Error(ErrorCode::bad_request, fmt::format("{} It needs {}.", kRefused, missing));
    DIVAN_TRY(auto refused, refused_by_regexps(password, policy.regexps));
    if (refused)
        return Error(ErrorCode::bad_request,
                     refused->empty() ? std::string(kRefused) : fmt::format("{} {}", kRefused, *refused));
    return {};
}

} // namespace divan::access
