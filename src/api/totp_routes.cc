#include "access/authenticator.h"
#include "api/audit_notes.h"
#include "api/router.h"
#include "api/view_options.h"
#include "json/writer.h"

namespace divan::api {
namespace {

using access::Permission;

// Whose account it is. Errors: forbidden for those whom somebody else vouches for.
Result<void> check_account(const Call &call) {
    if (call.principal.account)
        return {};
    return Error(ErrorCode::forbidden,
                 "This login does not use a password of this server: a second factor is "
                 "set up where it comes from.");
}

Task<Result<std::string>> read_token(Call &call) {
    auto body = co_await read_object(call);
    if (!body.ok())
        co_return body.error();
    const auto *token = body->object().find("token");
    if (token == nullptr || !token->is_string())
        co_return Error(ErrorCode::bad_request, "`token` must be the code that the app shows.");
    co_return token->string();
}

// Stores a document of the account; the answer goes on with a session under the new rights.
Task<Result<void>> store(Call &call, json::Object document, std::string_view action, std::string answer) {
    auto &authenticator = call.services().authenticator;
    auto principal = co_await authenticator.update_account(call.principal, std::move(document),
                                                           call.exchange().executor());
    if (!principal.ok())
        co_return principal.error();
    auto noted = co_await note_change(call, audit::Kind::authentication, action);
    if (!noted.ok())
        co_return noted.error();
    net::Headers headers;
    headers.add("Set-Cookie", authenticator.session_cookie(*principal, call.head().tls));
    co_return co_await call.send_json(200, std::move(answer), std::move(headers));
}

Task<Result<void>> post_totp(Call &call) {
    auto own = check_account(call);
    if (!own.ok())
        co_return own.error();
    if (access::has_second_factor(*call.principal.account))
        co_return Error(ErrorCode::conflict,
                        "There is a second factor already: POST to _session/_totp/_remove first.");
    auto enrolment = call.services().authenticator.second_factors().enrol(call.principal.name, "Divan");
    if (!enrolment.ok())
        co_return enrolment.error();
    std::string text;
    json::ObjectWriter writer(text);
    writer.member("ok", true)
        .member("key", std::string_view(enrolment->key))
        .member("uri", std::string_view(enrolment->uri));
    writer.close();
    net::Headers headers;
    headers.add("Cache-Control", "no-store");
    co_return co_await call.send_json(200, std::move(text), std::move(headers));
}

Task<Result<void>> put_totp(Call &call) {
    auto own = check_account(call);
    if (!own.ok())
        co_return own.error();
    auto token = co_await read_token(call);
    if (!token.ok())
        co_return token.error();
    auto confirmed = call.services().authenticator.second_factors().confirm(*call.principal.account, *token);
    if (!confirmed.ok())
        co_return confirmed.error();
    json::Object answer;
    answer.append("ok", true);
    answer.append("recovery_codes",
                  json::Array(confirmed->recovery_codes.begin(), confirmed->recovery_codes.end()));
    auto text = json::to_text(json::Value(std::move(answer)));
    co_return co_await store(call, std::move(confirmed->document), "second_factor_set", std::move(text));
}

Task<Result<void>> remove_totp(Call &call) {
    auto own = check_account(call);
    if (!own.ok())
        co_return own.error();
    auto token = co_await read_token(call);
    if (!token.ok())
        co_return token.error();
    const auto &account = *call.principal.account;
    std::optional<json::Object> used;
    if (!call.services().authenticator.second_factors().verify(account, *token, used))
        co_return Error(ErrorCode::forbidden, "This is no code of the second factor, or it was used before.");
    auto document = account.document;
    document.erase("totp");
    co_return co_await store(call, std::move(document), "second_factor_removed",
                             std::string(R"({"ok":true})"));
}

} // namespace

std::vector<Route> totp_routes() {
    return {
        {"POST", "/_session/_totp", Permission::own_account, post_totp,
         "Makes a key for one-time passwords; it counts after PUT."},
        {"PUT", "/_session/_totp", Permission::own_account, put_totp,
         "Sets the second factor up with the first code; answers recovery codes."},
        {"POST", "/_session/_totp/_remove", Permission::own_account, remove_totp,
         "Removes the second factor, with one of its codes."},
    };
}

} // namespace divan::api
