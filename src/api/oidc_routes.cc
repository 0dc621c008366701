// Logins at an OpenID provider.

#include "access/authenticator.h"
#include "access/oidc_client.h"
#include "api/provider_login.h"
#include "api/router.h"

namespace divan::api {
namespace {

using access::Permission;

constexpr ProviderRoutes kRoutes{"OpenID Connect", "oidc", "/_session/oidc", telemetry::Metric::oidc_logins,
                                 telemetry::Metric::oidc_logins_failed};

std::string parameter(const Call &call, std::string_view name) {
    return std::string(call.query.find(name).value_or(""));
}

Result<access::OidcClient *> client_of(Call &call) {
    return enabled_client(call.services().oidc, kRoutes);
}

Task<Result<void>> get_login(Call &call) {
    DIVAN_CO_TRY(auto *client, client_of(call));
    co_return co_await begin_provider_login(call, kRoutes, *client);
}

Task<Result<void>> get_callback(Call &call) {
    DIVAN_CO_TRY(auto *client, client_of(call));
    access::OidcAnswer answer;
    answer.state = parameter(call, "state");
    answer.code = parameter(call, "code");
    answer.error = parameter(call, "error");
    answer.issuer = parameter(call, "iss");
    answer.browser = login_cookie_of(call, answer.state);
    auto state = answer.state;
    auto login = co_await client->end(std::move(answer), call.exchange().executor());
    co_return co_await end_provider_login(call, kRoutes, std::move(state), std::move(login));
}

Task<Result<void>> get_logout(Call &call) {
    DIVAN_CO_TRY(auto *client, client_of(call));
    // Even if the provider cannot be asked: the session here has ended.
    call.common_headers.add("Set-Cookie", call.services().authenticator.clearing_cookie(call.head().tls));
    auto location = co_await client->logout_location(call.exchange().executor());
    if (!location.ok())
        co_return location.error();
    if (location->empty())
        location->push_back('/');
    co_return co_await redirect(call, 302, std::move(*location));
}

} // namespace

std::vector<Route> oidc_routes() {
    return {
        {"GET",
         "/_session/oidc/login",
         Permission::everybody,
         get_login,
         "Sends a browser to the identity provider to log in.",
         {{"next", "string", "Path of this server to come back to; `/` if it is absent."}}},
        {"GET",
         "/_session/oidc/callback",
         Permission::everybody,
         get_callback,
         "Where the identity provider sends it back: answers a session cookie.",
         {{"state", "string", "Which login it is."},
          {"code", "string", "What the identity provider answers tokens for."},
          {"error", "string", "Why there is no code."},
          {"iss", "string", "The identity provider (RFC 9207)."}}},
        {"GET", "/_session/oidc/logout", Permission::everybody, get_logout,
         "Logs out, here and at the identity provider."},
    };
}

} // namespace divan::api
