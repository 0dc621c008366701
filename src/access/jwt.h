#pragma once

// JSON Web Tokens (RFC 7519, RFC 8725) in the compact form of JWS, as CouchDB 3.5 takes them (jwtf,
// jwt_authentication_handler), with its reasons. Thread-safe: pure functions.

#include "access/key_set.h"
#include "base/result.h"

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace divan::access {

struct RequiredClaim {
    std::string name;
    std::optional<std::string> value; // what it must be; absent: it must be there

    friend bool operator==(const RequiredClaim &, const RequiredClaim &) = default;
};

// [jwt_auth] required_claims: names and {name,"value"}, between commas: `exp,{iss,"https://a"}`. In CouchDB
// every name but alg, exp, iat, iss, kid, nbf, sig and typ fails every request; here any claim can be asked
// for, {aud,"x"} above all. Errors: internal_server_error with CouchDB's word misconfigured_server.
[[nodiscard]] Result<std::vector<RequiredClaim>> parse_required_claims(std::string_view text);

// [jwt_auth] roles_claim_path: the names of nested members between points; `\.` is a point inside a name.
[[nodiscard]] std::vector<std::string> parse_claim_path(std::string_view text);

struct JwtRules {
    std::vector<RequiredClaim> required_claims = {{"exp", std::nullopt}};
    // Where the roles stand. By roles_claim_name this is one name, and its absence means no roles; by
    // roles_claim_path it is as parse_claim_path says, and its absence is not_found.
    std::vector<std::string> roles_path = {"_couchdb.roles"};
    bool roles_required = false;
    std::size_t token_bytes_max = 8192;
};

struct JwtClaims {
    std::string subject; // not empty
    std::vector<std::string> roles;
    std::optional<std::chrono::seconds> expires_at; // since the Unix epoch; the token is no longer valid then
};

// Checks a token and reads it. The key is found by the family of `alg` and by `kid`, or kDefaultKeyId;
// whatever else the header offers (jwk, jku, x5c) is not looked at. Claims are checked without leeway, by
// whole seconds:
//   exp  is refused from this second on; nbf is refused before it, and in its second too if it is a required
//        claim, as in CouchDB. Unlike CouchDB both are checked when they are there, not only when required.
//   iat  must be an integer if it is required; iss and others must be there, and equal if a value is asked
//   for
//        (aud may be an array that has it).
// Refused besides: `crit` and `b64` in the header, equal members of an object, base64url with padding or with
// left over bits.
// Errors: bad_request for what is malformed, badly signed or lacks a claim; unauthorized for exp, nbf and
// sub; not_found for a missing path of roles. No reason shows the token.
[[nodiscard]] Result<JwtClaims> verify_jwt(std::string_view token, const KeySet &keys,
                                           std::chrono::microseconds now, const JwtRules &rules);

// Whether a well-formed token names a key that the set does not have: a refresh of the set may bring it.
[[nodiscard]] bool names_unknown_key(std::string_view token, const KeySet &keys);

} // namespace divan::access
