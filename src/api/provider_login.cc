#include "api/provider_login.h"

#include "access/authenticator.h"
#include "api/audit_notes.h"
#include "telemetry/log.h"

#include <algorithm>
#include <fmt/format.h>

namespace divan::api {
namespace {

// A login belongs to the browser that began it; each has a cookie of its own, so that tabs do not end each
// other's.
std::string cookie_name(std::string_view state) {
    constexpr std::size_t kNameBytes = 12;
    return "DivanLogin_" + std::string(state.substr(0, kNameBytes));
}

// Lax: it has to come along when the provider sends the browser back.
std::string login_cookie(const Call &call, const ProviderRoutes &routes, std::string_view state,
                         std::string_view value, std::chrono::seconds life) {
    return fmt::format("{}={}; Max-Age={}; Path={}; HttpOnly; SameSite=Lax{}", cookie_name(state), value,
                       life.count(), routes.path, call.head().tls ? "; Secure" : "");
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

// Who comes back from the provider, as a user here.
struct Arrival {
    access::Principal principal;
    std::string next;
};

Task<Result<Arrival>> arrive(Call &call, Result<access::FinishedLogin> login) {
    if (!login.ok())
        co_return login.error();
    auto principal =
        co_await call.services().authenticator.admit(std::move(login->user), call.exchange().executor());
    if (!principal.ok())
        co_return principal.error();
    co_return Arrival{std::move(*principal), std::move(login->next)};
}

} // namespace

Task<Result<void>> redirect(Call &call, int status, std::string location) {
    net::ResponseHead head;
    head.status = status;
    head.headers.add("Location", std::move(location));
    head.headers.add("Cache-Control", "no-store");
    co_return co_await call.send(std::move(head), std::string());
}

std::string login_cookie_of(const Call &call, std::string_view state) {
    return find_cookie(call.header("Cookie").value_or(""), cookie_name(state));
}

Task<Result<void>> send_to_provider(Call &call, const ProviderRoutes &routes, access::LoginStart start) {
    call.common_headers.add("Set-Cookie",
                            login_cookie(call, routes, start.state, start.browser, start.timeout));
    co_return co_await redirect(call, 302, std::move(start.location));
}

Task<void> note_failed_provider_login(Call &call, const ProviderRoutes &routes, Error error) {
    const auto &services = call.services();
    services.metrics.count(routes.failed);
    services.log.write(telemetry::Level::warning, call.request_id,
                       fmt::format("a login at the identity provider failed, from {}: {}",
                                   call.head().remote_address, error.reason()));
    co_await note_failed_login(call, std::string(), routes.provider, std::move(error));
}

Task<Result<void>> end_provider_login(Call &call, const ProviderRoutes &routes, std::string state,
                                      Result<access::FinishedLogin> login) {
    auto arrival = co_await arrive(call, std::move(login));
    if (!arrival.ok()) {
        auto error = arrival.error();
        co_await note_failed_provider_login(call, routes, std::move(error));
        co_return arrival.error();
    }
    const auto &services = call.services();
    services.metrics.count(routes.succeeded);
    co_await note_login(call, arrival->principal, routes.provider);
    call.common_headers.add("Set-Cookie", login_cookie(call, routes, state, "", std::chrono::seconds(0)));
    // Behind the renewed cookie of whoever was logged in before: the last one counts.
    call.common_headers.add("Set-Cookie",
                            services.authenticator.session_cookie(arrival->principal, call.head().tls));
    co_return co_await redirect(call, 302, std::move(arrival->next));
}

} // namespace divan::api
