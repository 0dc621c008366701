#include "access/saml_client.h"

#include "access/run_on_loop.h"
#include "access/saml_request.h"
#include "access/saml_response.h"
#include "access/small_file.h"
#include "base/encoding.h"
#include "config/config.h"
#include "crypto/digest.h"
#include "telemetry/log.h"

#include <fmt/format.h>

namespace divan::access {
namespace {

constexpr std::string_view kAcsPath = "/_session/saml/acs";
constexpr std::size_t kSeenIdsMax = 100'000;

// What the provider's metadata and the keys depend on.
std::string source_of(const SamlSettings &settings) {
    std::string source;
    for (const auto *text : {&settings.idp_metadata_url, &settings.idp_metadata_file, &settings.idp_entity_id,
                             &settings.idp_certificate_file, &settings.key_file, &settings.certificate_file,
                             &settings.web.ca_file})
        source.append(*text).append("\n");
    return source;
}

std::string acs_url(const SamlSettings &settings, const std::string &base_url) {
    return (settings.base_url.empty() ? base_url : settings.base_url) + std::string(kAcsPath);
}

// An XML name, which must not begin with a digit.
std::string request_id(const PendingLogin &login) {
    return "_" + login.nonce;
}

} // namespace

SamlClient::SamlClient(const Services &services)
    : services_(services), logins_(services.clock, services.random, "/_session/saml/login"),
      seen_(kSeenIdsMax), providers_(services.loop, services.log) {}

void SamlClient::stop() {
    services_.loop.post([this] { stopping_.cancel(); });
}

Result<SamlSettings> SamlClient::settings() const {
    if (!services_.config.boolean("saml", "enable"))
        return Error(ErrorCode::not_found, "SAML is not enabled: see [saml] enable.");
    auto settings = read_saml_settings(services_.config);
    if (!settings.ok())
        return Error(ErrorCode::internal_server_error, settings.error().reason());
    return settings;
}

// ---- the provider

Task<Result<std::string>> SamlClient::read_metadata(SamlSettings settings) {
    if (!settings.idp_metadata_file.empty())
        co_return read_small_file(settings.idp_metadata_file, settings.web.body_bytes_max);
    auto address = WebAddress::parse(settings.idp_metadata_url).value();
    std::string accept = "application/samlmetadata+xml, application/xml, text/xml, */*;q=0.1";
    co_return co_await fetch_document(services_.loop, services_.client, std::move(address), settings.web,
                                      stopping_, std::move(accept));
}

Task<Result<SamlClient::Provider>> SamlClient::read_provider(SamlSettings settings) {
    auto keys = read_saml_keys(settings);
    if (!keys.ok())
        co_return Error(ErrorCode::internal_server_error, keys.error().reason());
    auto text = co_await read_metadata(settings);
    if (!text.ok())
        co_return unreachable_provider(settings.provider(), text.error());
    SamlMetadataRules rules;
    rules.source = settings.provider();
    rules.entity_id = settings.idp_entity_id;
    rules.keys_needed = !keys->pinned;
    rules.bytes_max = settings.web.body_bytes_max;
    DIVAN_CO_TRY(auto metadata, parse_saml_metadata(*text, services_.clock.now(), rules));
    if (keys->pinned)
        metadata.keys = {*keys->pinned};
    if (metadata.wants_signed_requests && !keys->signing)
        co_return Error(ErrorCode::service_unavailable,
                        fmt::format("The identity provider {} wants signed requests: set [saml] key_file and "
                                    "certificate_file.",
                                    settings.provider()));
    co_return Provider{std::move(metadata), std::move(keys->signing)};
}

Task<Result<std::shared_ptr<const SamlClient::Provider>>> SamlClient::provider(const SamlSettings &settings) {
    auto reading = read_provider(settings);
    co_return co_await providers_.get(source_of(settings), settings.refresh_interval, std::move(reading));
}

// ---- a login

Task<Result<LoginStart>> SamlClient::begin(std::string next, std::string base_url, Executor &home) {
    auto local = check_local_path(next);
    if (!local.ok())
        co_return local.error();
    auto work = begin_on_loop(std::move(next), std::move(base_url));
    co_return co_await run_on_loop(services_.loop, home, std::move(work));
}

Task<Result<LoginStart>> SamlClient::begin_on_loop(std::string next, std::string base_url) {
    DIVAN_CO_TRY(auto settings, this->settings());
    auto known = co_await provider(settings);
    if (!known.ok())
        co_return known.error();
    auto login = logins_.begin(acs_url(settings, base_url), std::move(next), settings.pending_max,
                               settings.login_timeout);
    SamlRequest request;
    request.id = request_id(login);
    request.issued_at = login.begun_at;
    request.login_url = (*known)->metadata.login_url;
    request.entity_id = settings.entity_id;
    request.acs_url = login.redirect_uri;
    request.force_authn = settings.force_authn;
    auto location = saml_request_url(request, login.state, (*known)->signing);
    co_return LoginStart{std::move(location), login.state, login.browser, settings.login_timeout};
}

Task<Result<void>> SamlClient::accept(std::string state, std::string response, Executor &home) {
    auto settings = this->settings();
    if (!settings.ok())
        co_return settings.error();
    // First, so that nothing is read of a stranger who has begun no login.
    auto login = logins_.find(state);
    if (!login.ok())
        co_return login.error();
    auto work = accept_on_loop(std::move(*login), std::move(response));
    co_return co_await run_on_loop(services_.loop, home, std::move(work));
}

Task<Result<void>> SamlClient::accept_on_loop(PendingLogin login, std::string response) {
    DIVAN_CO_TRY(auto settings, this->settings());
    auto text = base64_decode(response);
    if (!text)
        co_return Error(ErrorCode::bad_request, "SAMLResponse is not in base64.");
    auto known = co_await provider(settings);
    if (!known.ok())
        co_return known.error();
    SamlResponseRules rules;
    rules.provider_entity_id = (*known)->metadata.entity_id;
    rules.keys = (*known)->metadata.keys;
    rules.entity_id = settings.entity_id;
    rules.acs_url = login.redirect_uri;
    rules.request_id = request_id(login);
    if (settings.force_authn)
        rules.logged_in_since = login.begun_at;
    rules.leeway = settings.leeway;
    rules.bytes_max = settings.web.body_bytes_max;
    auto now = services_.clock.now();
    DIVAN_CO_TRY(auto assertion, verify_saml_response(*text, now, rules));
    // As a hash, which has one length.
    if (!seen_.add(crypto::sha256(assertion.id), assertion.valid_until, now))
        co_return Error(ErrorCode::unauthorized,
                        "The answer of the identity provider is refused: its assertion was used before");
    DIVAN_CO_TRY(auto user, saml_user(assertion, settings));
    co_return logins_.set_user(login.state, std::move(user));
}

Result<FinishedLogin> SamlClient::end(const std::string &state, const std::string &browser) {
    DIVAN_TRY_VOID(settings());
    DIVAN_TRY(auto login, logins_.take(state, browser));
    if (!login.user)
        return Error(
            ErrorCode::bad_request,
            "The identity provider has not answered this login: begin again at /_session/saml/login.");
    return FinishedLogin{std::move(*login.user), std::move(login.next)};
}

Result<std::string> SamlClient::service_metadata(const std::string &base_url) const {
    DIVAN_TRY(auto settings, this->settings());
    auto keys = read_saml_keys(settings);
    if (!keys.ok())
        return Error(ErrorCode::internal_server_error, keys.error().reason());
    return saml_service_metadata(settings.entity_id, acs_url(settings, base_url), keys->certificate);
}

} // namespace divan::access
