#pragma once

// The tokens of OpenID Connect: the answer of a token endpoint and the ID token in it (OpenID Connect Core
// 1.0, sections 3.1.3.3 to 3.1.3.8), and what their claims make of a user. Pure functions.

#include "access/external_user.h"
#include "access/key_set.h"
#include "access/oidc_settings.h"
#include "base/result.h"

#include <chrono>
#include <set>
#include <string>
#include <string_view>

namespace divan::access {

struct OidcTokens {
    std::string id_token;
    std::string access_token; // empty: there is none
};

// Errors: unauthorized with the provider's word for why it refuses ("invalid_grant"); service_unavailable for
// what is no answer of a token endpoint. No reason shows a token.
[[nodiscard]] Result<OidcTokens> parse_token_answer(int status, std::string_view text);

struct IdTokenRules {
    std::string issuer;
    std::string client_id;
    std::string nonce;
    std::string access_token; // that at_hash is of; empty: at_hash is not looked at
    std::set<crypto::SignatureAlgorithm> algorithms;
    std::chrono::seconds leeway{};
    std::size_t bytes_max = 65'536;
};

// The claims of an ID token that is signed, for this client, of this login, and valid now. Errors:
// unauthorized naming what is wrong.
[[nodiscard]] Result<json::Object> verify_id_token(std::string_view token, const KeySet &keys,
                                                   std::chrono::microseconds now, const IdTokenRules &rules);

// The claims of a userinfo endpoint, which must be of the same `sub`. Errors: service_unavailable,
// unauthorized.
[[nodiscard]] Result<json::Object> parse_userinfo(int status, std::string_view text,
                                                  std::string_view subject);

// Whether the name or the groups are missing, so that userinfo is worth asking.
[[nodiscard]] bool lacks_claims(const json::Object &claims, const OidcSettings &settings);
// Errors: forbidden if the claims give no name.
[[nodiscard]] Result<ExternalUser> oidc_user(const json::Object &claims, const OidcSettings &settings);

} // namespace divan::access
