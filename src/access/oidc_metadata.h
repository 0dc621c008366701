#pragma once

// What an OpenID provider says of itself (OpenID Connect Discovery 1.0, RFC 8414).

#include "access/web_request.h"
#include "base/result.h"
#include "crypto/signature.h"

#include <set>
#include <string>
#include <string_view>

namespace divan::access {

struct OidcMetadata {
    std::string issuer;
    std::string authorization_endpoint;
    std::string token_endpoint;
    std::string jwks_uri;
    std::string userinfo_endpoint;       // empty: there is none
    std::string end_session_endpoint;    // empty: there is none
    bool secret_in_body = false;         // client_secret_post: it does not take client_secret_basic
    bool names_issuer_in_answer = false; // RFC 9207
    // Of ID tokens. Never `none` or an HMAC: whoever knows the client's secret could sign.
    std::set<crypto::SignatureAlgorithm> algorithms;
};

// Where it lies: below the issuer's path (OpenID Connect), whether that ends with a slash or not.
[[nodiscard]] std::string oidc_metadata_url(std::string_view issuer);

// Reads it. Every endpoint must be one that WebAddress takes, and `issuer` the given one, byte for byte: else
// another provider could speak for it. Errors: service_unavailable naming the issuer and what is wrong.
[[nodiscard]] Result<OidcMetadata> parse_oidc_metadata(std::string_view text, std::string_view issuer);

} // namespace divan::access
