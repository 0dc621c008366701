#include "access/oidc_token.h"

#include "access/jwt_claims.h"
#include "base/encoding.h"
#include "crypto/digest.h"
#include "json/parser.h"

#include <algorithm>
#include <fmt/format.h>

namespace divan::access {
namespace {

constexpr std::size_t kDepthMax = 32;
constexpr std::size_t kErrorWordBytesMax = 64;

Error refused(std::string_view why) {
    return {ErrorCode::unauthorized,
            fmt::format("The ID token of the identity provider is refused: {}", why)};
}

Error odd_answer(std::string_view endpoint, std::string_view what) {
    return {ErrorCode::service_unavailable,
            fmt::format("The {} endpoint of the identity provider {}", endpoint, what)};
}

std::string text_claim(const json::Object &claims, std::string_view name) {
    const auto *value = claims.find(name);
    return value != nullptr && value->is_string() ? value->string() : std::string();
}

Result<json::Object> parse_object(std::string_view text) {
    DIVAN_TRY(auto root, json::parse(text, {.depth_max = kDepthMax, .refuse_equal_members = true}));
    if (!root.is_object())
        return ErrorCode::bad_request;
    return std::move(root.object());
}

Result<void> check_audience(const json::Object &claims, const std::string &client_id) {
    const auto *audience = claims.find("aud");
    bool several = audience != nullptr && audience->is_array() && audience->array().size() > 1;
    bool ours = audience != nullptr && *audience == json::Value(client_id);
    if (audience != nullptr && audience->is_array())
        ours = std::find(audience->array().begin(), audience->array().end(), json::Value(client_id)) !=
               audience->array().end();
    if (!ours)
        return refused("it is not for this client: its aud does not name [oidc] client_id");
    const auto *party = claims.find("azp");
    if (party == nullptr && several)
        return refused("it is for several clients and has no azp");
    if (party != nullptr && *party != json::Value(client_id))
        return refused("its azp is another client");
    return {};
}

Result<void> check_times(const json::Object &claims, std::chrono::microseconds now,
                         std::chrono::seconds leeway) {
    auto now_s = std::chrono::duration<double>(now).count();
    auto leeway_s = static_cast<double>(leeway.count());
    auto time_of = [&](const char *name) {
        const auto *value = claims.find(name);
        return value == nullptr ? std::nullopt : value->as_double();
    };
    auto expires = time_of("exp");
    auto issued = time_of("iat");
    if (!expires || !issued)
        return refused("it lacks exp or iat");
    if (*expires <= now_s - leeway_s)
        return refused("it has expired; are both clocks right?");
    if (*issued > now_s + leeway_s)
        return refused("it was issued in the future; are both clocks right?");
    if (claims.contains("nbf"))
        if (auto from = time_of("nbf"); !from || *from > now_s + leeway_s)
            return refused("it is not valid yet; are both clocks right?");
    return {};
}

// The left half of the hash that goes with the algorithm (OpenID Connect Core, 3.1.3.6).
std::string access_token_hash(crypto::SignatureAlgorithm algorithm, std::string_view token) {
    using enum crypto::SignatureAlgorithm;
    auto function = crypto::HashFunction::sha512; // of EdDSA, that of Ed25519
    if (algorithm == rs256 || algorithm == ps256 || algorithm == es256)
        function = crypto::HashFunction::sha256;
    if (algorithm == rs384 || algorithm == ps384 || algorithm == es384)
        function = crypto::HashFunction::sha384;
    auto hash = crypto::hash(function, token);
    return base64_url_encode(std::string_view(hash).substr(0, hash.size() / 2));
}

const json::Value *find_path(const json::Object &claims, const std::vector<std::string> &path) {
    const json::Object *object = &claims;
    const json::Value *value = nullptr;
    for (const auto &name : path) {
        value = object != nullptr ? object->find(name) : nullptr;
        object = value != nullptr && value->is_object() ? &value->object() : nullptr;
    }
    return value;
}

std::vector<std::string> groups_of(const json::Object &claims, const OidcSettings &settings) {
    std::vector<std::string> groups;
    const auto *value = find_path(claims, settings.roles_path);
    if (value == nullptr)
        return groups;
    if (value->is_string())
        groups.push_back(value->string());
    if (value->is_array())
        for (const auto &group : value->array())
            if (group.is_string())
                groups.push_back(group.string());
    return groups;
}

} // namespace

Result<OidcTokens> parse_token_answer(int status, std::string_view text) {
    auto object = parse_object(text);
    if (status != 200) {
        auto word = object.ok() ? text_claim(*object, "error") : std::string();
        bool shown =
            !word.empty() && word.size() <= kErrorWordBytesMax &&
            std::all_of(word.begin(), word.end(), [](char c) { return (c >= 'a' && c <= 'z') || c == '_'; });
        if (status >= 500 || !shown)
            return odd_answer("token", fmt::format("answers {}", status));
        return Error(ErrorCode::unauthorized,
                     fmt::format("The identity provider refuses to end the login: {}", word));
    }
    if (!object.ok())
        return odd_answer("token", "answers with no JSON object");
    OidcTokens tokens{text_claim(*object, "id_token"), text_claim(*object, "access_token")};
    if (tokens.id_token.empty())
        return odd_answer("token", "answers without an ID token: is `openid` among [oidc] scopes?");
    return tokens;
}

Result<json::Object> verify_id_token(std::string_view token, const KeySet &keys,
                                     std::chrono::microseconds now, const IdTokenRules &rules) {
    auto read = read_signed_claims(token, keys, rules.bytes_max);
    if (!read.ok())
        return refused(read.error().reason());
    if (!rules.algorithms.contains(read->algorithm))
        return refused("its alg is not one that the provider's metadata names");
    const auto &claims = read->claims;
    if (text_claim(claims, "iss") != rules.issuer)
        return refused("its iss is not [oidc] issuer");
    if (text_claim(claims, "sub").empty())
        return refused("it lacks sub");
    DIVAN_TRY_VOID(check_audience(claims, rules.client_id));
    DIVAN_TRY_VOID(check_times(claims, now, rules.leeway));
    if (!crypto::constant_time_equal(text_claim(claims, "nonce"), rules.nonce))
        return refused("its nonce is not the one of this login");
    if (claims.contains("at_hash") && !rules.access_token.empty() &&
        text_claim(claims, "at_hash") != access_token_hash(read->algorithm, rules.access_token))
        return refused("its at_hash is not of the access token that came with it");
    return std::move(read->claims);
}

Result<json::Object> parse_userinfo(int status, std::string_view text, std::string_view subject) {
    if (status != 200)
        return odd_answer("userinfo", fmt::format("answers {}", status));
    auto claims = parse_object(text);
    if (!claims.ok())
        return odd_answer("userinfo", "answers with no JSON object");
    if (text_claim(*claims, "sub") != subject)
        return Error(ErrorCode::unauthorized, "The userinfo of the identity provider is of somebody else.");
    return claims;
}

bool lacks_claims(const json::Object &claims, const OidcSettings &settings) {
    return text_claim(claims, settings.name_claim).empty() ||
           find_path(claims, settings.roles_path) == nullptr;
}

Result<ExternalUser> oidc_user(const json::Object &claims, const OidcSettings &settings) {
    ExternalUser user;
    user.provider = "oidc";
    user.name = text_claim(claims, settings.name_claim);
    user.subject = text_claim(claims, "sub");
    if (user.name.empty() && settings.name_fallback_sub)
        user.name = user.subject;
    if (user.name.empty())
        return Error(
            ErrorCode::forbidden,
            fmt::format("The identity provider does not say the claim `{}`, which is the user's name here: "
                        "see [oidc] scopes, name_claim and name_fallback_sub.",
                        settings.name_claim));
    user.roles = roles_of_groups(groups_of(claims, settings), settings);
    for (const auto &[claim, member] : settings.attributes)
        if (const auto *value = claims.find(claim))
            user.attributes.set(member, *value);
    return user;
}

} // namespace divan::access
