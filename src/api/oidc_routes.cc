// Logins at an identity provider. The browser comes and goes by redirects; the answer in the end is a
// session.

#include "access/authenticator.h"
#include "access/oidc_client.h"
#include "api/audit_notes.h"
#include "api/router.h"
#include "telemetry/log.h"
#include "telemetry/metrics.h"

#include <algorithm>
#include <fmt/format.h>

namespace divan::api {
namespace {

using access::Permission;

// A login belongs to the browser that began it; each has a cookie of its own, so that tabs do not end each
// other's.
std::string cookie_name(std::string_view state) {
    constexpr std::size_t kNameBytes = 12;
    return "DivanLogin_" + std::string(state.substr(0, kNameBytes));
}

// Lax: it has to come along when the provider sends the browser back.
std::string login_cookie(const Call &call, std::string_view state, std::string_view value,
                         std::chrono::seconds life) {
    return fmt::format("{}={}; Max-Age={}; Path=/_session/oidc; HttpOnly; SameSite=Lax{}", cookie_name(state),
                       value, life.count(), call.head().tls ? "; Secure" : "");
}

std::string find_cookie(std::string_view header, std::string_view name) {
    while (!header.empty()) {
        auto part = header.substr(0, header.find(';'));
        header.remove_prefix(std::min(part.size() + 1, header.size()));
        while (part.starts_with(' '))
            part.remove_prefix(1);
        if (part.starts_with(name) && part.substr(name.size()).starts_with('='))
            return std::string(part.substr(name.size() + 1));
    }
    return {};
}

std::string parameter(const Call &call, std::string_view name) {
    return std::string(call.query.find(name).value_or(""));
}

Task<Result<void>> redirect(Call &call, std::string location) {
    net::ResponseHead head;
    head.status = 302;
    head.headers.add("Location", std::move(location));
    head.headers.add("Cache-Control", "no-store");
    co_return co_await call.send(std::move(head), std::string());
}

Result<access::OidcClient *> client_of(Call &call) {
    auto *client = call.services().oidc;
    if (client == nullptr)
        return Error(ErrorCode::not_found, "OpenID Connect is not enabled: see [oidc] enable.");
    return client;
}

Task<Result<void>> get_login(Call &call) {
    DIVAN_CO_TRY(auto *client, client_of(call));
    auto next = std::string(call.query.find("next").value_or("/"));
    auto start = co_await client->begin(std::move(next), call.base_url(), call.exchange().executor());
    if (!start.ok())
        co_return start.error();
    call.common_headers.add("Set-Cookie", login_cookie(call, start->state, start->browser, start->timeout));
    co_return co_await redirect(call, std::move(start->location));
}

// Who comes back from the provider, as a user here.
struct Arrival {
    access::Principal principal;
    std::string next;
};

Task<Result<Arrival>> arrive(Call &call, access::OidcClient &client, access::OidcAnswer answer) {
    auto &home = call.exchange().executor();
    auto login = co_await client.end(std::move(answer), home);
    if (!login.ok())
        co_return login.error();
    auto principal = co_await call.services().authenticator.admit(std::move(login->user), home);
    if (!principal.ok())
        co_return principal.error();
    co_return Arrival{std::move(*principal), std::move(login->next)};
}

Task<Result<void>> get_callback(Call &call) {
    DIVAN_CO_TRY(auto *client, client_of(call));
    access::OidcAnswer answer;
    answer.state = parameter(call, "state");
    answer.code = parameter(call, "code");
    answer.error = parameter(call, "error");
    answer.issuer = parameter(call, "iss");
    answer.browser = find_cookie(call.header("Cookie").value_or(""), cookie_name(answer.state));
    auto state = answer.state;
    auto arrival = co_await arrive(call, *client, std::move(answer));
    const auto &services = call.services();
    services.metrics.count(arrival.ok() ? telemetry::Metric::oidc_logins
                                        : telemetry::Metric::oidc_logins_failed);
    if (!arrival.ok()) {
        services.log.write(telemetry::Level::warning, call.request_id,
                           fmt::format("a login at the identity provider failed, from {}: {}",
                                       call.head().remote_address, arrival.error().reason()));
        co_await note_failed_login(call, std::string(), "oidc", arrival.error());
        co_return arrival.error();
    }
    co_await note_login(call, arrival->principal, "oidc");
    call.common_headers.add("Set-Cookie", login_cookie(call, state, "", std::chrono::seconds(0)));
    // Behind the renewed cookie of whoever was logged in before: the last one counts.
    call.common_headers.add("Set-Cookie",
                            services.authenticator.session_cookie(arrival->principal, call.head().tls));
    co_return co_await redirect(call, std::move(arrival->next));
}

Task<Result<void>> get_logout(Call &call) {
    DIVAN_CO_TRY(auto *client, client_of(call));
    // Even if the provider cannot be asked: the session here has ended.
    call.common_headers.add("Set-Cookie", call.services().authenticator.clearing_cookie(call.head().tls));
    auto location = co_await client->logout_location(call.exchange().executor());
    if (!location.ok())
        co_return location.error();
    if (location->empty())
        *location = "/";
    co_return co_await redirect(call, std::move(*location));
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
