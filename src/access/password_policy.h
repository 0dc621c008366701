#pragma once

// What a new password must look like.

#include "base/clock.h"
#include "base/result.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace divan::config {
class Config;
}

namespace divan::access {

// The settings of [authentication]; what is 0, false or empty asks for nothing. The profile `enterprise` asks
// for much.
struct PasswordPolicy {
    std::size_t min_length = 0; // in characters
    bool require_special_chars = false;
    bool require_numbers = false;
    bool require_uppercase = false;
    std::size_t history = 0;      // of the newest passwords none may come again
    std::chrono::days max_age{0}; // a login with an older password has to set a new one
    std::string regexps;          // [chttpd_auth] password_regexp
};

[[nodiscard]] PasswordPolicy password_policy(const config::Config &config);

// The history is not looked at. Errors: bad_request with what is missing; forbidden "Server cannot hash
// passwords at this time." if password_regexp cannot be read, as in CouchDB.
[[nodiscard]] Result<void> check_password_policy(std::string_view password, const PasswordPolicy &policy);

} // namespace divan::access
