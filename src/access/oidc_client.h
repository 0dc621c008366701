#pragma once

// The relying party of OpenID Connect: the authorization code flow with PKCE, state and nonce (OpenID Connect
// Core 1.0, RFC 7636, RFC 9207, RFC 9700). Who comes back from the provider is an ExternalUser; making the
// user and the session is the caller's.

#include "access/external_user.h"
#include "access/jwk_source.h"
#include "access/oidc_logins.h"
#include "access/oidc_metadata.h"
#include "access/oidc_settings.h"
#include "access/oidc_token.h"

#include <memory>
#include <optional>
#include <string>

namespace divan::access {

// A login that has begun: where the browser goes, and the cookie it has to come back with.
struct OidcStart {
    std::string location;
    std::string state;
    std::string browser;
    std::chrono::seconds timeout;
};

// What the browser brings back; absent parameters are empty.
struct OidcAnswer {
    std::string state;
    std::string code;
    std::string error;   // the provider's word for why there is no code
    std::string issuer;  // RFC 9207
    std::string browser; // of its cookie
};

struct OidcLogin {
    ExternalUser user;
    std::string next;
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
    Task<Result<OidcStart>> begin(std::string next, std::string base_url, Executor &home);
    // Errors: also those of PendingLogins::take(), unauthorized and forbidden with what was wrong.
    Task<Result<OidcLogin>> end(OidcAnswer answer, Executor &home);
    // Where a browser ends its session at the provider; "" if that has no place for it.
    Task<Result<std::string>> logout_location(Executor &home);

    // Requests under way end with an error, and so do those that come. Any thread; before the loop stops, and
    // the loop stops before this is destroyed.
    void stop();

  private:
    struct Cached {
        std::string ca_file;
        std::shared_ptr<const OidcMetadata> metadata;
        std::chrono::nanoseconds read_at{}; // monotonic
    };

    Result<OidcSettings> settings() const;
    Task<Result<OidcStart>> begin_on_loop(std::string next, std::string base_url);
    Task<Result<OidcLogin>> end_on_loop(PendingLogin login, OidcAnswer answer);
    Task<Result<std::string>> logout_on_loop();
    Task<Result<std::shared_ptr<const OidcMetadata>>> metadata(const OidcSettings &settings);
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
    WaitLine waiting_;
    bool reading_ = false;
    Cached cached_;
    std::optional<Error> failure_; // of the last reading
    std::chrono::nanoseconds failed_at_{};
    JwkSource keys_;
};

} // namespace divan::access
