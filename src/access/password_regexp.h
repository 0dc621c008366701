#pragma once

// [chttpd_auth] password_regexp: an Erlang list of regular expressions that a new password must match, each a
// string or a tuple with what to say to those who do not: [{".{10,}", "At least 10 characters."}, "\\d+"].
// Source: couch_users_db:validate_password.

#include "base/result.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace divan::access {

struct PasswordRegexp {
    std::string pattern;
    std::string reason; // may be empty
    friend bool operator==(const PasswordRegexp &, const PasswordRegexp &) = default;
};

// nullopt for a text that is no such list; an empty text is an empty list.
[[nodiscard]] std::optional<std::vector<PasswordRegexp>> parse_password_regexps(std::string_view text);

// Errors: bad_request for a text that is no such list, or has an expression that does not compile.
[[nodiscard]] Result<void> check_password_regexps(std::string_view text);

// The reason of the first that a password does not match; nullopt: it matches all.
// Errors: forbidden "Server cannot hash passwords at this time.": the list cannot be read.
[[nodiscard]] Result<std::optional<std::string>> refused_by_regexps(std::string_view password,
                                                                    std::string_view text);

} // namespace divan::access
