#pragma once

// Internal to access: what the claims of a token say, apart from how it is signed.

#include "access/jwt.h"
#include "json/value.h"

namespace divan::access {

[[nodiscard]] Error bad_token(std::string reason);

// What a token says that was signed with one of the keys.
struct SignedClaims {
    crypto::SignatureAlgorithm algorithm;
    json::Object claims;
};
// Checks form, header and signature, and no claim. Errors: bad_request, as verify_jwt().
[[nodiscard]] Result<SignedClaims> read_signed_claims(std::string_view token, const KeySet &keys,
                                                      std::size_t token_bytes_max);
[[nodiscard]] bool is_required(const JwtRules &rules, std::string_view name);
// The required claims, and the times whether they are required or not.
[[nodiscard]] Result<void> check_claims(const json::Object &claims, const JwtRules &rules,
                                        std::chrono::seconds now);
// Of claims that were checked.
[[nodiscard]] Result<JwtClaims> read_claims(const json::Object &claims, const JwtRules &rules);

} // namespace divan::access
