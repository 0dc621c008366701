#pragma once

// Who else knows users: a directory, identity providers, and those whose tokens are taken. What asks them,
// and the threads for it.

#include "base/clock.h"
#include "base/executor.h"
#include "base/random.h"
#include "base/result.h"

#include <memory>

namespace divan::access {
class Authenticator;
class Directory;
class JwkSource;
class LdapDirectory;
class OidcClient;
class SamlClient;
} // namespace divan::access
namespace divan::config {
class Config;
}
namespace divan::net {
class HttpClient;
class SocketLoop;
} // namespace divan::net
namespace divan::telemetry {
class Logger;
}

namespace divan::server {

class IdentityProviders {
  public:
    struct Services {
        config::Config &config;
        Clock &clock;
        Random &random;
        telemetry::Logger &log;
    };
    // All outlive it.
    explicit IdentityProviders(const Services &services);
    // REQUIRES: stopped, or never started.
    ~IdentityProviders();

    // Whether the settings can be used; from then on changes that cannot be are refused. Errors: bad_request
    // naming the setting.
    [[nodiscard]] Result<void> check();
    // Brings the authenticator the keys of issuers of tokens, now and when they change.
    void start(access::Authenticator &authenticator);
    // The settings have changed.
    void apply_changes();

    [[nodiscard]] access::Directory &directory();
    // Questions to the directory run here.
    [[nodiscard]] Executor &directory_pool();
    [[nodiscard]] access::OidcClient &oidc() { return *oidc_; }
    [[nodiscard]] access::SamlClient &saml() { return *saml_; }

    // In this order, each once: logins that wait for a provider are answered; when no request is served any
    // more, what asks providers ends; when no login runs any more, the threads for the directory end.
    void answer_waiting();
    void stop_asking();
    void stop_directory();

  private:
    const Services services_;
    std::unique_ptr<ThreadPool> directory_pool_;
    std::unique_ptr<access::LdapDirectory> directory_;
    // A loop of its own: a slow provider must not wait behind replications.
    std::unique_ptr<net::SocketLoop> loop_;
    std::unique_ptr<net::HttpClient> client_;
    std::unique_ptr<access::JwkSource> jwt_keys_;
    std::unique_ptr<access::OidcClient> oidc_;
    std::unique_ptr<access::SamlClient> saml_;
};

} // namespace divan::server
