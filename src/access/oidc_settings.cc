#include "access/oidc_settings.h"

#include "access/jwt.h"
#include "config/config.h"

#include <algorithm>
#include <fmt/format.h>

namespace divan::access {
namespace {

Error wrong(std::string_view key, std::string_view what) {
    return {ErrorCode::bad_request, fmt::format("[oidc] {} {}", key, what)};
}

std::vector<std::string> split_words(std::string_view text, std::string_view separators) {
    std::vector<std::string> words;
    while (!text.empty()) {
        auto end = std::min(text.find_first_of(separators), text.size());
        if (end > 0)
            words.emplace_back(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return words;
}

Result<void> check_url(std::string_view url, bool with_query) {
    auto address = WebAddress::parse(url);
    if (!address.ok())
        return Error(ErrorCode::bad_request,
                     fmt::format("is not a URL that can be used: {}", address.error().reason()));
    if (!with_query && url.find('?') != std::string_view::npos)
        return Error(ErrorCode::bad_request, "is not a URL that can be used: it has a query");
    return {};
}

Result<void> check_optional_url(std::string_view url) {
    return url.empty() ? Result<void>() : check_url(url, true);
}

Result<void> check_optional_issuer(std::string_view url) {
    return url.empty() ? Result<void>() : check_url(url, false);
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

struct KeyCheck {
    const char *key;
    Result<void> (*check)(std::string_view);
};

constexpr KeyCheck kChecks[] = {
    {"issuer", check_optional_issuer},
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
    for (const auto &[key, check] : kChecks)
        if (auto checked = check(text(key)); !checked.ok())
            return wrong(key, checked.error().reason());
    OidcSettings settings;
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
    for (const auto &[group, roles] : config.section("oidc_roles"))
        settings.roles[group] = split_words(roles, ", ");
    settings.groups_as_roles = config.boolean("oidc", "groups_as_roles");
    for (const auto &word : split_words(text("attributes"), ", ")) {
        auto colon = word.find(':');
        settings.attributes.emplace_back(word.substr(0, colon),
                                         colon == std::string::npos ? word : word.substr(colon + 1));
    }
    settings.userinfo = config.boolean("oidc", "userinfo");
    settings.post_logout_redirect_uri = text("post_logout_redirect_uri");
    settings.web.ca_file = text("ca_file");
    settings.web.timeout = Millis(number("timeout_ms"));
    settings.web.body_bytes_max = static_cast<std::size_t>(number("response_bytes_max"));
    settings.token_bytes_max = static_cast<std::size_t>(number("token_bytes_max"));
    settings.refresh_interval = std::chrono::seconds(number("jwks_refresh_seconds"));
    settings.request_interval = std::chrono::seconds(number("jwks_request_seconds"));
    settings.leeway = std::chrono::seconds(number("clock_leeway_seconds"));
    settings.pending_max = static_cast<std::size_t>(number("logins_pending_max"));
    settings.login_timeout = std::chrono::seconds(number("login_timeout_seconds"));
    return settings;
}

Result<void> check_oidc_settings(config::Config &config) {
    for (const auto &[key, check] : kChecks)
        DIVAN_TRY_VOID(config.add_check("oidc", key, check));
    if (!config.boolean("oidc", "enable"))
        return {};
    auto settings = read_oidc_settings(config);
    return settings.ok() ? Result<void>() : settings.error();
}

} // namespace divan::access
