#pragma once

// What logins at identity providers share: the browser comes and goes by redirects, with a cookie that binds
// the login to it; the answer in the end is a session.

#include "access/pending_logins.h"
#include "api/call.h"
#include "telemetry/metrics.h"

#include <fmt/format.h>
#include <string>
#include <string_view>

namespace divan::api {

struct ProviderRoutes {
    std::string_view title;    // for people
    std::string_view provider; // as ExternalUser::provider, and the section of its settings
    std::string_view path;     // that the cookies are for
    telemetry::Metric succeeded;
    telemetry::Metric failed;
};

// A redirect that no cache keeps: 302, or 303 after a POST.
Task<Result<void>> redirect(Call &call, int status, std::string location);
// `client` if there is one: logins at the provider are enabled. Errors: not_found.
template <typename Client> Result<Client *> enabled_client(Client *client, const ProviderRoutes &routes) {
    if (client == nullptr)
        return Error(ErrorCode::not_found,
                     fmt::format("{} is not enabled: see [{}] enable.", routes.title, routes.provider));
    return client;
}
// To the provider, with the cookie of the login.
Task<Result<void>> send_to_provider(Call &call, const ProviderRoutes &routes, access::LoginStart start);
// Begins a login, which leads to `next` in the end, and sends the browser to the provider.
template <typename Client>
Task<Result<void>> begin_provider_login(Call &call, const ProviderRoutes &routes, Client &client) {
    auto next = std::string(call.query.find("next").value_or("/"));
    auto start = co_await client.begin(std::move(next), call.base_url(), call.exchange().executor());
    if (!start.ok())
        co_return start.error();
    co_return co_await send_to_provider(call, routes, std::move(*start));
}
// Of the login that has this state; "" if the browser has none.
[[nodiscard]] std::string login_cookie_of(const Call &call, std::string_view state);
// Answers who has come back with a session, and `next`. An error is counted, logged and returned.
Task<Result<void>> end_provider_login(Call &call, const ProviderRoutes &routes, std::string state,
                                      Result<access::FinishedLogin> login);
// Counts, logs and records it.
Task<void> note_failed_provider_login(Call &call, const ProviderRoutes &routes, Error error);

} // namespace divan::api
