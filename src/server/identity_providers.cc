#include "server/identity_providers.h"

#include "access/authenticator.h"
#include "access/jwk_source.h"
#include "access/ldap_directory.h"
#include "access/oidc_client.h"
#include "access/saml_client.h"
#include "config/config.h"
#include "net/http_client.h"
#include "net/socket_loop.h"
#include "telemetry/log.h"

#include <fmt/format.h>

namespace divan::server {

IdentityProviders::IdentityProviders(const Services &services)
    : services_(services), directory_pool_(std::make_unique<ThreadPool>(
                               static_cast<std::size_t>(services.config.integer("ldap", "connections_max")))),
      directory_(std::make_unique<access::LdapDirectory>(services.config, services.clock, services.log)),
      loop_(std::make_unique<net::SocketLoop>(services.clock)), client_(net::make_http_client(*loop_)) {
    const auto &[config, clock, random, log] = services_;
    jwt_keys_.reset(new access::JwkSource({*loop_, *client_, log},
                                          [this] { return access::jwt_key_options(services_.config); }));
    oidc_.reset(new access::OidcClient({*loop_, *client_, config, clock, random, log}));
    saml_.reset(new access::SamlClient({*loop_, *client_, config, clock, random, log}));
}

IdentityProviders::~IdentityProviders() = default;

Result<void> IdentityProviders::check() {
    auto &config = services_.config;
    DIVAN_TRY_VOID(directory_->apply_settings());
    DIVAN_TRY_VOID(config.add_check("jwt_auth", "jwks_url", access::check_jwks_url));
    DIVAN_TRY_VOID(access::check_oidc_settings(config));
    return access::check_saml_settings(config);
}

void IdentityProviders::start(access::Authenticator &authenticator) {
    authenticator.jwt().set_issuer(
        {[this] { return jwt_keys_->current(); }, [this] { jwt_keys_->request_refresh(); }});
    jwt_keys_->start();
}

void IdentityProviders::apply_changes() {
    jwt_keys_->request_refresh();
    if (auto applied = directory_->apply_settings(); !applied.ok())
        services_.log.warning(
            fmt::format("users of the LDAP directory cannot log in: {}", applied.error().reason()));
}

access::Directory &IdentityProviders::directory() {
    return *directory_;
}

Executor &IdentityProviders::directory_pool() {
    return *directory_pool_;
}

void IdentityProviders::answer_waiting() {
    oidc_->stop();
    saml_->stop();
}

void IdentityProviders::stop_asking() {
    jwt_keys_->stop();
    loop_->stop();
    client_.reset();
}

void IdentityProviders::stop_directory() {
    directory_pool_->stop();
}

} // namespace divan::server
