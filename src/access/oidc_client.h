#pragma once

// The relying party of OpenID Connect: the authorization code flow with PKCE, state and nonce (OpenID Connect
// Core 1.0, RFC 7636, RFC 9207, RFC 9700). Who comes back from the provider is an ExternalUser; making the
// user and the session is the caller's.

#include "access/external_user.h"
#include "access/jwk_source.h"
#include "access/kept_metadata.h"
#include "access/oidc_metadata.h"
#include "access/oidc_settings.h"
#include "access/oidc_token.h"
#include "access/pending_logins.h"

#include <memory>
#include <string>

namespace divan::access {

// What the browser brings back; absent parameters are empty.
struct OidcAnswer {
    std::string state;
    std::string code;
    std::string error;   // the provider's word for why there is no code
    std::string issuer;  // RFC 9207
    std::string browser; // of its cookie
};

// Thread-safe. All that waits for the provider runs on the loop and goes on on `home`; the provider's
// metadata and keys are fetched when they are first needed and kept. Errors of all: not_found (not enabled),
// internal_server_error (the settings cannot be used), service_unavailable naming the provider that cannot be
// asked.
class OidcClient {
  public:
    struct Services {
        EventLoop &loop; // the client's
        net::HttpClient &client;
        const config::Config &config;
        Clock &clock;
        Random &random;
        telemetry::Logger &log;
    };
    // All outlive it.
    explicit OidcClient(const Services &services);

    // `next`: a path of this server, else bad_request. `base_url`: of this server as the browser knows it.
    Task<Result<LoginStart>> begin(std::string next, std::string base_url, Executor &home);
    // Errors: also those of PendingLogins::take(), unauthorized and forbidden with what was wrong.
    Task<Result<FinishedLogin>> end(OidcAnswer answer, Executor &home);
    // Where a browser ends its session at the provider; "" if that has no place for it.
    Task<Result<std::string>> logout_location(Executor &home);

    // Requests under way end with an error, and so do those that come. Any thread; before the loop stops, and
    // the loop stops before this is destroyed.
    void stop();

  private:
    Result<OidcSettings> settings() const;
    Task<Result<LoginStart>> begin_on_loop(std::string next, std::string base_url);
    Task<Result<FinishedLogin>> end_on_loop(PendingLogin login, OidcAnswer answer);
    Task<Result<std::string>> logout_on_loop();
    Task<Result<std::shared_ptr<const OidcMetadata>>> metadata(const OidcSettings &settings);
    Task<Result<OidcMetadata>> read_metadata(OidcSettings settings);
    Task<Result<OidcTokens>> redeem(const OidcSettings &settings, const OidcMetadata &metadata,
                                    const PendingLogin &login, const std::string &code);
    Task<Result<json::Object>> claims_of(const OidcSettings &settings, const OidcMetadata &metadata,
                                         const PendingLogin &login, const OidcTokens &tokens);
    Task<Result<std::shared_ptr<const KeySet>>> keys_for(const OidcSettings &settings,
                                                         const std::string &token);
    Task<Result<void>> add_userinfo(const OidcSettings &settings, const OidcMetadata &metadata,
                                    const std::string &access_token, json::Object &claims);
    [[nodiscard]] JwkSourceOptions key_options() const;

    const Services services_;
    PendingLogins logins_;
    // ---- on the loop
    Cancellation stopping_;
    KeptMetadata<OidcMetadata> metadata_;
    JwkSource keys_;
};

} // namespace divan::access
