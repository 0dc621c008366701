#include "access/oidc_metadata.h"

#include "json/parser.h"

#include <algorithm>
#include <fmt/format.h>

namespace divan::access {
namespace {

constexpr std::size_t kDepthMax = 32;

class Reader {
  public:
    Reader(const json::Object &object, std::string_view issuer) : object_(object), issuer_(issuer) {}

    Error wrong(std::string_view what) const {
        return {ErrorCode::service_unavailable,
                fmt::format("The metadata of the identity provider {} cannot be used: {}", issuer_, what)};
    }
    Result<std::string> text(std::string_view name) const {
        const auto *value = object_.find(name);
        if (value == nullptr || value->is_null())
            return std::string();
        if (!value->is_string())
            return wrong(fmt::format("{} is not a string", name));
        return value->string();
    }
    Result<std::string> url(std::string_view name, bool required) const {
        DIVAN_TRY(auto url, text(name));
        if (url.empty() && !required)
            return url;
        if (auto address = WebAddress::parse(url); !address.ok())
            return wrong(fmt::format("{} is not a URL for it: {}", name, address.error().reason()));
        return url;
    }
    // The strings of an array; nullopt: there is none.
    std::optional<std::set<std::string>> words(std::string_view name) const {
        const auto *value = object_.find(name);
        if (value == nullptr || !value->is_array())
            return std::nullopt;
        std::set<std::string> words;
        for (const auto &word : value->array())
            if (word.is_string())
                words.insert(word.string());
        return words;
    }
    bool is_true(std::string_view name) const {
        const auto *value = object_.find(name);
        return value != nullptr && value->is_true();
    }

  private:
    const json::Object &object_;
    std::string_view issuer_;
};

} // namespace

std::string oidc_metadata_url(std::string_view issuer) {
    if (issuer.ends_with('/'))
        issuer.remove_suffix(1);
    return std::string(issuer) + "/.well-known/openid-configuration";
}

Result<OidcMetadata> parse_oidc_metadata(std::string_view text, std::string_view issuer) {
    json::Object object;
    auto root = json::parse(text, {.depth_max = kDepthMax, .refuse_equal_members = true});
    if (root.ok() && root->is_object())
        object = std::move(root->object());
    Reader reader(object, issuer);
    if (object.empty())
        return reader.wrong("it is no JSON object");
    OidcMetadata metadata;
    DIVAN_TRY(metadata.issuer, reader.text("issuer"));
    if (metadata.issuer != issuer)
        return reader.wrong("its issuer is another one: set [oidc] issuer to what it says there");
    DIVAN_TRY(metadata.authorization_endpoint, reader.url("authorization_endpoint", true));
    DIVAN_TRY(metadata.token_endpoint, reader.url("token_endpoint", true));
    DIVAN_TRY(metadata.jwks_uri, reader.url("jwks_uri", true));
    DIVAN_TRY(metadata.userinfo_endpoint, reader.url("userinfo_endpoint", false));
    DIVAN_TRY(metadata.end_session_endpoint, reader.url("end_session_endpoint", false));
    auto methods = reader.words("token_endpoint_auth_methods_supported");
    metadata.secret_in_body =
        methods && !methods->contains("client_secret_basic") && methods->contains("client_secret_post");
    metadata.names_issuer_in_answer = reader.is_true("authorization_response_iss_parameter_supported");
    if (auto challenges = reader.words("code_challenge_methods_supported");
        challenges && !challenges->contains("S256"))
        return reader.wrong("it does not take PKCE with S256");
    auto algorithms = reader.words("id_token_signing_alg_values_supported");
    for (const auto &name : algorithms.value_or(std::set<std::string>{"RS256"}))
        if (auto algorithm = crypto::signature_algorithm(name);
            algorithm && crypto::key_family(*algorithm) != crypto::KeyFamily::hmac)
            metadata.algorithms.insert(*algorithm);
    if (metadata.algorithms.empty())
        return reader.wrong("it signs ID tokens by no algorithm that is known here, as RS256 or ES256");
    return metadata;
}

} // namespace divan::access
