#include "access/jwt.h"

#include "access/jwt_claims.h"
#include "base/encoding.h"
#include "json/parser.h"

#include <fmt/format.h>

namespace divan::access {
namespace {

constexpr std::size_t kTokenDepthMax = 32;

Error malformed() {
    return bad_token("Malformed authentication token");
}

Result<void> check_size(std::string_view token, std::size_t bytes_max) {
    if (token.size() <= bytes_max)
        return {};
    return bad_token(fmt::format("The authentication token is too long: {} bytes are allowed", bytes_max));
}

struct Parts {
    std::string_view header, payload, signature;
    std::string_view message; // what is signed: header.payload
};

Result<Parts> split(std::string_view token) {
    auto first = token.find('.');
    auto last = token.rfind('.');
    if (first == std::string_view::npos || first == last || token.find('.', first + 1) != last)
        return malformed();
    return Parts{token.substr(0, first), token.substr(first + 1, last - first - 1), token.substr(last + 1),
                 token.substr(0, last)};
}

Result<json::Object> decode_object(std::string_view part) {
    auto text = base64_url_decode_strict(part);
    if (!text)
        return malformed();
    auto value = json::parse(*text, {.depth_max = kTokenDepthMax, .refuse_equal_members = true});
    if (!value.ok())
        return malformed();
    if (!value->is_object())
        return bad_token("Not an object");
    return std::move(value->object());
}

struct Header {
    crypto::SignatureAlgorithm algorithm;
    std::string kid;
};

Result<Header> read_header(const json::Object &header, const JwtRules &rules) {
    if (is_required(rules, "typ")) {
        const auto *typ = header.find("typ");
        if (typ == nullptr)
            return bad_token("Missing typ header parameter");
        if (*typ != json::Value("JWT"))
            return bad_token("Invalid typ header parameter");
    }
    const auto *alg = header.find("alg");
    if (alg == nullptr)
        return bad_token("Missing alg header parameter");
    auto algorithm = alg->is_string() ? crypto::signature_algorithm(alg->string()) : std::nullopt;
    if (!algorithm)
        return bad_token("Invalid alg header parameter");
    for (const char *extension : {"crit", "b64"})
        if (header.contains(extension))
            return bad_token(fmt::format("Unsupported {} header parameter", extension));
    Header read{*algorithm, std::string(kDefaultKeyId)};
    if (const auto *kid = header.find("kid")) {
        if (!kid->is_string())
            return bad_token("Invalid kid header parameter");
        read.kid = kid->string();
    } else if (is_required(rules, "kid")) {
        return bad_token("Missing kid claim");
    }
    return read;
}

Result<void> check_signature(const Parts &parts, const Header &header, const KeySet &keys) {
    auto family = crypto::key_family(header.algorithm);
    const auto *named = keys.find(family, header.kid);
    if (named == nullptr)
        return bad_token("Unknown kid");
    if (!named->key.fits(header.algorithm) || (named->only && *named->only != header.algorithm))
        return bad_token("Invalid alg header parameter");
    auto signature = base64_url_decode_strict(parts.signature);
    if (!signature)
        return malformed();
    if (!named->key.verify(header.algorithm, parts.message, *signature))
        return bad_token(family == crypto::KeyFamily::hmac ? "Bad HMAC in authentication token"
                                                           : "Bad signature in authentication token");
    return {};
}

} // namespace

// The order of the checks is jwtf's, so that a token with several mistakes gets the same answer.
Result<JwtClaims> verify_jwt(std::string_view token, const KeySet &keys, std::chrono::microseconds now,
                             const JwtRules &rules) {
    DIVAN_TRY_VOID(check_size(token, rules.token_bytes_max));
    DIVAN_TRY(auto parts, split(token));
    DIVAN_TRY(auto header_object, decode_object(parts.header));
    DIVAN_TRY(auto header, read_header(header_object, rules));
    DIVAN_TRY(auto claims, decode_object(parts.payload));
    DIVAN_TRY_VOID(check_claims(claims, rules, std::chrono::floor<std::chrono::seconds>(now)));
    DIVAN_TRY_VOID(check_signature(parts, header, keys));
    return read_claims(claims, rules);
}

Result<SignedClaims> read_signed_claims(std::string_view token, const KeySet &keys,
                                        std::size_t token_bytes_max) {
    DIVAN_TRY_VOID(check_size(token, token_bytes_max));
    DIVAN_TRY(auto parts, split(token));
    DIVAN_TRY(auto header_object, decode_object(parts.header));
    DIVAN_TRY(auto header, read_header(header_object, JwtRules{.required_claims = {}}));
    DIVAN_TRY_VOID(check_signature(parts, header, keys));
    DIVAN_TRY(auto claims, decode_object(parts.payload));
    return SignedClaims{header.algorithm, std::move(claims)};
}

bool names_unknown_key(std::string_view token, const KeySet &keys) {
    auto parts = split(token);
    auto object = parts.ok() ? decode_object(parts->header) : Result<json::Object>(parts.error());
    if (!object.ok())
        return false;
    auto header = read_header(*object, JwtRules{.required_claims = {}});
    return header.ok() && keys.find(crypto::key_family(header->algorithm), header->kid) == nullptr;
}

} // namespace divan::access
