#pragma once

// Internal to access: what the claims of a token say, apart from how it is signed.

#include "access/jwt.h"
#include "json/value.h"

namespace divan::access {

[[nodiscard]] Error bad_token(std::string reason);
[[nodiscard]] bool is_required(const JwtRules &rules, std::string_view name);
// The required claims, and the times whether they are required or not.
[[nodiscard]] Result<void> check_claims(const json::Object &claims, const JwtRules &rules,
                                        std::chrono::seconds now);
// Of claims that were checked.
[[nodiscard]] Result<JwtClaims> read_claims(const json::Object &claims, const JwtRules &rules);

} // namespace divan::access
