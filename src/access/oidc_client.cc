#include "access/oidc_client.h"

#include "access/jwt.h"
#include "access/run_on_loop.h"
#include "access/url_form.h"
#include "base/encoding.h"
#include "config/config.h"
#include "crypto/digest.h"
#include "net/absolute_url.h"
#include "telemetry/log.h"

#include <fmt/format.h>

namespace divan::access {
namespace {

constexpr std::string_view kCallbackPath = "/_session/oidc/callback";

// What the provider's metadata depends on.
std::string source_of(const OidcSettings &settings) {
    return settings.issuer + '\n' + settings.web.ca_file;
}

WebAddress address_of(const std::string &endpoint) {
    return WebAddress::parse(endpoint).value(); // as parse_oidc_metadata() has seen
}

} // namespace

OidcClient::OidcClient(const Services &services)
    : services_(services), logins_(services.clock, services.random, "/_session/oidc/login"),
      metadata_(services.loop, services.log),
      keys_({services.loop, services.client, services.log}, [this] { return key_options(); }) {}

void OidcClient::stop() {
    services_.loop.post([this] { stopping_.cancel(); });
    keys_.stop();
}

Result<OidcSettings> OidcClient::settings() const {
    if (!services_.config.boolean("oidc", "enable"))
        return Error(ErrorCode::not_found, "OpenID Connect is not enabled: see [oidc] enable.");
    auto settings = read_oidc_settings(services_.config);
    if (!settings.ok())
        return Error(ErrorCode::internal_server_error, settings.error().reason());
    return settings;
}

JwkSourceOptions OidcClient::key_options() const {
    JwkSourceOptions options;
    auto settings = read_oidc_settings(services_.config);
    auto metadata = settings.ok() ? metadata_.current(source_of(*settings)) : nullptr;
    if (metadata == nullptr)
        return options;
    options.url = metadata->jwks_uri;
    options.refresh_interval = settings->refresh_interval;
    options.request_interval = settings->request_interval;
    options.web = settings->web;
    return options;
}

// ---- the provider's metadata

Task<Result<OidcMetadata>> OidcClient::read_metadata(OidcSettings settings) {
    auto address = WebAddress::parse(oidc_metadata_url(settings.issuer)).value();
    auto text = co_await fetch_document(services_.loop, services_.client, std::move(address), settings.web,
                                        stopping_);
    if (!text.ok())
        co_return unreachable_provider(settings.issuer, text.error());
    co_return parse_oidc_metadata(*text, settings.issuer);
}

Task<Result<std::shared_ptr<const OidcMetadata>>> OidcClient::metadata(const OidcSettings &settings) {
    auto reading = read_metadata(settings);
    co_return co_await metadata_.get(source_of(settings), settings.refresh_interval, std::move(reading));
}

// ---- the beginning

Task<Result<LoginStart>> OidcClient::begin(std::string next, std::string base_url, Executor &home) {
    auto local = check_local_path(next);
    if (!local.ok())
        co_return local.error();
    auto work = begin_on_loop(std::move(next), std::move(base_url));
    co_return co_await run_on_loop(services_.loop, home, std::move(work));
}

Task<Result<LoginStart>> OidcClient::begin_on_loop(std::string next, std::string base_url) {
    DIVAN_CO_TRY(auto settings, this->settings());
    auto provider = co_await metadata(settings);
    if (!provider.ok())
        co_return provider.error();
    auto redirect_uri = settings.redirect_uri;
    if (redirect_uri.empty())
        redirect_uri = base_url + std::string(kCallbackPath);
    auto login = logins_.begin(redirect_uri, std::move(next), settings.pending_max, settings.login_timeout);
    UrlForm form;
    form.add("response_type", "code")
        .add("client_id", settings.client_id)
        .add("redirect_uri", redirect_uri)
        .add("scope", settings.scopes)
        .add("state", login.state)
        .add("nonce", login.nonce)
        .add("code_challenge", base64_url_encode(crypto::sha256(login.verifier)))
        .add("code_challenge_method", "S256");
    co_return LoginStart{form.behind((*provider)->authorization_endpoint), login.state, login.browser,
                         settings.login_timeout};
}

// ---- the end

Task<Result<FinishedLogin>> OidcClient::end(OidcAnswer answer, Executor &home) {
    auto settings = this->settings();
    if (!settings.ok())
        co_return settings.error();
    auto login = logins_.take(answer.state, answer.browser);
    if (!login.ok())
        co_return login.error();
    auto work = end_on_loop(std::move(*login), std::move(answer));
    co_return co_await run_on_loop(services_.loop, home, std::move(work));
}

namespace {

Result<void> check_answer(const OidcAnswer &answer, const OidcMetadata &metadata) {
    bool issuer_due = metadata.names_issuer_in_answer || !answer.issuer.empty();
    if (issuer_due && answer.issuer != metadata.issuer)
        return Error(ErrorCode::unauthorized,
                     "The answer comes from another identity provider than [oidc] issuer.");
    if (!answer.error.empty()) {
        bool shown = answer.error.size() <= 64 &&
                     answer.error.find_first_not_of("abcdefghijklmnopqrstuvwxyz_") == std::string::npos;
        return Error(ErrorCode::unauthorized, fmt::format("The identity provider refuses the login: {}",
                                                          shown ? answer.error : "it does not say why"));
    }
    if (answer.code.empty())
        return Error(ErrorCode::bad_request, "The identity provider's answer has neither code nor error.");
    return {};
}

} // namespace

Task<Result<FinishedLogin>> OidcClient::end_on_loop(PendingLogin login, OidcAnswer answer) {
    DIVAN_CO_TRY(auto settings, this->settings());
    auto provider = co_await metadata(settings);
    if (!provider.ok())
        co_return provider.error();
    DIVAN_CO_TRY_VOID(check_answer(answer, **provider));
    auto tokens = co_await redeem(settings, **provider, login, answer.code);
    if (!tokens.ok())
        co_return tokens.error();
    auto claims = co_await claims_of(settings, **provider, login, *tokens);
    if (!claims.ok())
        co_return claims.error();
    DIVAN_CO_TRY(auto user, oidc_user(*claims, settings));
    co_return FinishedLogin{std::move(user), std::move(login.next)};
}

Task<Result<OidcTokens>> OidcClient::redeem(const OidcSettings &settings, const OidcMetadata &metadata,
                                            const PendingLogin &login, const std::string &code) {
    WebRequest request;
    request.method = "POST";
    request.address = address_of(metadata.token_endpoint);
    request.limits = settings.web;
    request.headers.add("Content-Type", "application/x-www-form-urlencoded");
    UrlForm form;
    form.add("grant_type", "authorization_code")
        .add("code", code)
        .add("redirect_uri", login.redirect_uri)
        .add("code_verifier", login.verifier);
    auto secret = settings.client_secret->reveal();
    bool by_header = !secret.empty() && !metadata.secret_in_body;
    if (by_header)
        request.headers.add("Authorization", net::basic_credentials(percent_encode(settings.client_id),
                                                                    percent_encode(secret)));
    else
        form.add("client_id", settings.client_id);
    if (!by_header && !secret.empty())
        form.add("client_secret", secret);
    request.body = form.text();
    auto answer = co_await send_web_request(services_.loop, services_.client, std::move(request), stopping_);
    if (!answer.ok())
        co_return unreachable_provider(settings.issuer, answer.error());
    co_return parse_token_answer(answer->status, answer->body);
}

Task<Result<std::shared_ptr<const KeySet>>> OidcClient::keys_for(const OidcSettings &settings,
                                                                 const std::string &token) {
    co_await keys_.refresh_if_due();
    if (names_unknown_key(token, *keys_.current()))
        co_await keys_.refresh_if_allowed();
    auto keys = keys_.current();
    if (keys->size() == 0)
        co_return Error(ErrorCode::service_unavailable,
                        fmt::format("The keys of the identity provider {} cannot be read: see the log.",
                                    settings.issuer));
    co_return keys;
}

Task<Result<json::Object>> OidcClient::claims_of(const OidcSettings &settings, const OidcMetadata &metadata,
                                                 const PendingLogin &login, const OidcTokens &tokens) {
    auto keys = co_await keys_for(settings, tokens.id_token);
    if (!keys.ok())
        co_return keys.error();
    IdTokenRules rules;
    rules.issuer = settings.issuer;
    rules.client_id = settings.client_id;
    rules.nonce = login.nonce;
    rules.access_token = tokens.access_token;
    rules.algorithms = metadata.algorithms;
    rules.leeway = settings.leeway;
    rules.bytes_max = settings.token_bytes_max;
    DIVAN_CO_TRY(auto claims, verify_id_token(tokens.id_token, **keys, services_.clock.now(), rules));
    bool ask = settings.userinfo && !metadata.userinfo_endpoint.empty() && !tokens.access_token.empty() &&
               lacks_claims(claims, settings);
    if (ask) {
        auto added = co_await add_userinfo(settings, metadata, tokens.access_token, claims);
        if (!added.ok())
            co_return added.error();
    }
    co_return std::move(claims);
}

Task<Result<void>> OidcClient::add_userinfo(const OidcSettings &settings, const OidcMetadata &metadata,
                                            const std::string &access_token, json::Object &claims) {
    WebRequest request;
    request.address = address_of(metadata.userinfo_endpoint);
    request.limits = settings.web;
    request.headers.add("Authorization", "Bearer " + access_token);
    auto answer = co_await send_web_request(services_.loop, services_.client, std::move(request), stopping_);
    if (!answer.ok())
        co_return unreachable_provider(settings.issuer, answer.error());
    DIVAN_CO_TRY(auto more, parse_userinfo(answer->status, answer->body, claims.find("sub")->string()));
    // What is signed counts.
    for (auto &[name, value] : more)
        if (!claims.contains(name))
            claims.append(name, std::move(value));
    co_return Result<void>();
}

// ---- logging out

Task<Result<std::string>> OidcClient::logout_location(Executor &home) {
    auto work = logout_on_loop();
    co_return co_await run_on_loop(services_.loop, home, std::move(work));
}

Task<Result<std::string>> OidcClient::logout_on_loop() {
    DIVAN_CO_TRY(auto settings, this->settings());
    auto provider = co_await metadata(settings);
    if (!provider.ok())
        co_return provider.error();
    const auto &endpoint = (*provider)->end_session_endpoint;
    if (endpoint.empty())
        co_return settings.post_logout_redirect_uri;
    UrlForm form;
    form.add("client_id", settings.client_id);
    if (!settings.post_logout_redirect_uri.empty())
        form.add("post_logout_redirect_uri", settings.post_logout_redirect_uri);
    co_return form.behind(endpoint);
}

} // namespace divan::access
