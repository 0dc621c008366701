// Logins at a SAML identity provider.

#include "access/saml_client.h"
#include "api/provider_login.h"
#include "api/router.h"
#include "config/config.h"

namespace divan::api {
namespace {

using access::Permission;

constexpr ProviderRoutes kRoutes{"SAML", "saml", "/_session/saml", telemetry::Metric::saml_logins,
                                 telemetry::Metric::saml_logins_failed};
// What may stand in the form besides the answer.
constexpr std::size_t kFormBytesBesides = 4'096;

Result<access::SamlClient *> client_of(Call &call) {
    return enabled_client(call.services().saml, kRoutes);
}

Task<Result<void>> get_login(Call &call) {
    DIVAN_CO_TRY(auto *client, client_of(call));
    co_return co_await begin_provider_login(call, kRoutes, *client);
}

struct PostedAnswer {
    std::string state;
    std::string response;
};

Task<Result<PostedAnswer>> read_answer(Call &call) {
    if (!call.header("Content-Type").value_or("").starts_with("application/x-www-form-urlencoded"))
        co_return Error(
            ErrorCode::bad_content_type,
            "Content-Type must be application/x-www-form-urlencoded: the identity provider has to "
            "answer by the binding HTTP-POST.");
    // In base64, some of it percent-encoded.
    auto response_bytes_max =
        static_cast<std::size_t>(call.services().config.integer("saml", "response_bytes_max"));
    auto body = co_await call.read_body(2 * response_bytes_max + kFormBytesBesides);
    if (!body.ok())
        co_return body.error();
    DIVAN_CO_TRY(auto form, net::Query::parse(*body));
    auto response = form.find("SAMLResponse").value_or("");
    if (response.empty())
        co_return Error(ErrorCode::bad_request, "The form has no SAMLResponse.");
    co_return PostedAnswer{std::string(form.find("RelayState").value_or("")), std::string(response)};
}

// The provider has the browser post this from its own site, so the cookie of the login stays away. What is
// good waits for the next request, which brings it: by that the login stays with the browser that began it.
Task<Result<void>> post_acs(Call &call) {
    DIVAN_CO_TRY(auto *client, client_of(call));
    auto answer = co_await read_answer(call);
    if (!answer.ok())
        co_return answer.error();
    auto state = answer->state;
    auto accepted = co_await client->accept(std::move(answer->state), std::move(answer->response),
                                            call.exchange().executor());
    if (!accepted.ok()) {
        auto error = accepted.error();
        co_await note_failed_provider_login(call, kRoutes, std::move(error));
        co_return accepted.error();
    }
    // The state is one of this server, and needs no encoding.
    co_return co_await redirect(call, 303, "/_session/saml/end?state=" + state);
}

Task<Result<void>> get_end(Call &call) {
    DIVAN_CO_TRY(auto *client, client_of(call));
    auto state = std::string(call.query.find("state").value_or(""));
    auto login = client->end(state, login_cookie_of(call, state));
    co_return co_await end_provider_login(call, kRoutes, std::move(state), std::move(login));
}

Task<Result<void>> get_metadata(Call &call) {
    DIVAN_CO_TRY(auto *client, client_of(call));
    auto base_url = call.base_url();
    auto text = co_await call.on_engine([&] { return client->service_metadata(base_url); });
    if (!text.ok())
        co_return text.error();
    net::ResponseHead head;
    head.headers.add("Content-Type", "application/samlmetadata+xml");
    co_return co_await call.send(std::move(head), std::move(*text));
}

} // namespace

std::vector<Route> saml_routes() {
    return {
        {"GET",
         "/_session/saml/login",
         Permission::everybody,
         get_login,
         "Sends a browser to the SAML identity provider to log in.",
         {{"next", "string", "Path of this server to come back to; `/` if it is absent."}}},
        {"POST", "/_session/saml/acs", Permission::everybody, post_acs,
         "Where the SAML identity provider has the browser post its answer."},
        {"GET",
         "/_session/saml/end",
         Permission::everybody,
         get_end,
         "Ends a login whose answer was good: answers a session cookie.",
         {{"state", "string", "Which login it is."}}},
        {"GET", "/_session/saml/metadata", Permission::everybody, get_metadata,
         "What the SAML identity provider has to know of this server."},
    };
}

} // namespace divan::api
