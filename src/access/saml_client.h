#pragma once

// The service provider of SAML 2.0: the web browser SSO profile, begun by this server (saml-profiles-2.0-os,
// 4.1). Requests go by the binding HTTP-Redirect, answers come by HTTP-POST. Who comes back from the provider
// is an ExternalUser; making the user and the session is the caller's.

#include "access/kept_metadata.h"
#include "access/pending_logins.h"
#include "access/saml_metadata.h"
#include "access/saml_settings.h"
#include "access/seen_ids.h"
#include "access/web_request.h"

#include <memory>
#include <string>

namespace divan::access {

// Thread-safe. All that waits for the provider runs on the loop and goes on on `home`; the provider's
// metadata is read when it is first needed and kept. Errors of all: not_found (not enabled),
// internal_server_error (the settings cannot be used), service_unavailable naming the provider whose metadata
// cannot be used.
class SamlClient {
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
    explicit SamlClient(const Services &services);

    // `next`: a path of this server, else bad_request. `base_url`: of this server as the browser knows it, if
    // the settings do not say.
    Task<Result<LoginStart>> begin(std::string next, std::string base_url, Executor &home);
    // Takes what the provider has a browser post here: from another site, so without its cookie. `response`:
    // in base64. Once for each state. Errors: also those of PendingLogins::find(), unauthorized and forbidden
    // with what was wrong.
    Task<Result<void>> accept(std::string state, std::string response, Executor &home);
    // Ends a login whose answer was accepted. Errors: also those of PendingLogins::take(), bad_request.
    [[nodiscard]] Result<FinishedLogin> end(const std::string &state, const std::string &browser);
    // What the provider has to know of this server. Blocks on files.
    [[nodiscard]] Result<std::string> service_metadata(const std::string &base_url) const;

    // Requests under way end with an error, and so do those that come. Any thread; before the loop stops, and
    // the loop stops before this is destroyed.
    void stop();

  private:
    struct Provider {
        SamlProvider metadata;
        std::optional<crypto::SigningKey> signing;
    };

    Result<SamlSettings> settings() const;
    Task<Result<LoginStart>> begin_on_loop(std::string next, std::string base_url);
    Task<Result<void>> accept_on_loop(PendingLogin login, std::string response);
    Task<Result<std::shared_ptr<const Provider>>> provider(const SamlSettings &settings);
    Task<Result<Provider>> read_provider(SamlSettings settings);
    Task<Result<std::string>> read_metadata(SamlSettings settings);

    const Services services_;
    PendingLogins logins_;
    SeenIds seen_;
    // ---- on the loop
    Cancellation stopping_;
    KeptMetadata<Provider> providers_;
};

} // namespace divan::access
