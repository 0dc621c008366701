#include "access/oidc_settings.h"

#include "access/jwt.h"
#include "config/config.h"

#include <algorithm>

namespace divan::access {
namespace {

Error wrong(std::string_view key, std::string_view what) {
    return wrong_setting("oidc", key, what);
}

Result<void> check_scopes(std::string_view text) {
    auto words = split_words(text, " ");
    if (std::find(words.begin(), words.end(), "openid") == words.end())
        return Error(ErrorCode::bad_request, "must have `openid` among its words, as `openid profile email`");
    return {};
}

Result<void> check_attributes(std::string_view text) {
    for (const auto &word : split_words(text, ", "))
        if (word.front() == ':' || word.back() == ':' || std::count(word.begin(), word.end(), ':') > 1)
            return Error(ErrorCode::bad_request,
                         "takes claims as `email`, or `name:display_name`, between commas");
    return {};
}

Result<void> check_name_claim(std::string_view text) {
    if (text.empty())
        return Error(ErrorCode::bad_request, "must name a claim, as preferred_username or sub");
    return {};
}

constexpr SettingCheck kChecks[] = {
    {"issuer", check_optional_url_without_query},
    {"redirect_uri", check_optional_url},
    {"post_logout_redirect_uri", check_optional_url},
    {"scopes", check_scopes},
    {"attributes", check_attributes},
    {"name_claim", check_name_claim},
};

} // namespace

Result<OidcSettings> read_oidc_settings(const config::Config &config) {
    auto text = [&](const char *key) { return config.text("oidc", key); };
    auto number = [&](const char *key) { return config.integer("oidc", key); };
    DIVAN_TRY_VOID(run_checks(config, "oidc", kChecks));
    OidcSettings settings;
    static_cast<ProviderSettings &>(settings) = read_provider_settings(config, "oidc");
    settings.issuer = text("issuer");
    if (settings.issuer.empty())
        return wrong("issuer", "is missing: set it to the URL of the identity provider");
    settings.client_id = text("client_id");
    if (settings.client_id.empty())
        return wrong("client_id", "is missing: register this server at the identity provider, and set it");
    settings.client_secret = config.secret("oidc", "client_secret");
    settings.redirect_uri = text("redirect_uri");
    settings.scopes = text("scopes");
    settings.name_claim = text("name_claim");
    settings.name_fallback_sub = config.boolean("oidc", "name_fallback_sub");
    settings.roles_path = parse_claim_path(text("roles_claim"));
    settings.userinfo = config.boolean("oidc", "userinfo");
    settings.post_logout_redirect_uri = text("post_logout_redirect_uri");
    settings.token_bytes_max = static_cast<std::size_t>(number("token_bytes_max"));
    settings.refresh_interval = std::chrono::seconds(number("jwks_refresh_seconds"));
    settings.request_interval = std::chrono::seconds(number("jwks_request_seconds"));
    return settings;
}

Result<void> check_oidc_settings(config::Config &config) {
    DIVAN_TRY_VOID(add_checks(config, "oidc", kChecks));
    if (!config.boolean("oidc", "enable"))
        return {};
    auto settings = read_oidc_settings(config);
    return settings.ok() ? Result<void>() : settings.error();
}

} // namespace divan::access
