#pragma once

// What logins at identity providers share: the browser comes and goes by redirects, with a cookie that binds
// the login to it; the answer in the end is a session.

#include "access/pending_logins.h"
#include "api/call.h"
#include "telemetry/metrics.h"

#include <string>
#include <string_view>

namespace divan::api {

struct ProviderRoutes {
    std::string_view provider; // as ExternalUser::provider
    std::string_view path;     // that the cookies are for
    telemetry::Metric succeeded;
    telemetry::Metric failed;
};

// A redirect that no cache keeps: 302, or 303 after a POST.
Task<Result<void>> redirect(Call &call, int status, std::string location);
// To the provider, with the cookie of the login.
Task<Result<void>> send_to_provider(Call &call, const ProviderRoutes &routes, access::LoginStart start);
// Of the login that has this state; "" if the browser has none.
[[nodiscard]] std::string login_cookie_of(const Call &call, std::string_view state);
// Answers who has come back with a session, and `next`. An error is counted, logged and returned.
Task<Result<void>> end_provider_login(Call &call, const ProviderRoutes &routes, std::string state,
                                      Result<access::FinishedLogin> login);
// Counts, logs and records it.
Task<void> note_failed_provider_login(Call &call, const ProviderRoutes &routes, Error error);

} // namespace divan::api
