// Questions of admins about access: why somebody may do something, and how the server is secured.

#include "access/authenticator.h"
#include "access/explanation.h"
#include "access/security_report.h"
#include "api/router.h"
#include "api/view_options.h"

#include <chrono>

namespace divan::api {
namespace {

std::chrono::microseconds now(const Call &call) {
    return std::chrono::duration_cast<std::chrono::microseconds>(call.services().clock.now());
}

Result<std::string> text_member(const json::Object &object, std::string_view name) {
    const auto *value = object.find(name);
    if (value == nullptr || !value->is_string() || value->string().empty())
        return Error(ErrorCode::bad_request, "`" + std::string(name) + "` has to be a text.");
    return value->string();
}

// A name, whose roles are those of its account; or {"name", "roles"} of somebody whom others vouch for.
Result<access::Principal> read_principal(access::Authenticator &authenticator, const json::Value &user) {
    access::Principal principal;
    if (user.is_string()) {
        principal.name = user.string();
        DIVAN_TRY(auto account, authenticator.users().find(principal.name));
        if (account == nullptr)
            return Error(ErrorCode::not_found, "There is no such user.");
        principal.roles = account->roles;
        principal.account = std::move(account);
    } else if (user.is_object()) {
        DIVAN_TRY(principal.name, text_member(user.object(), "name"));
        if (const auto *roles = user.object().find("roles"); roles != nullptr && roles->is_array())
            for (const auto &role : roles->array())
                if (role.is_string())
                    principal.roles.push_back(role.string());
    } else if (!user.is_null()) {
        return Error(ErrorCode::bad_request,
                     "`user` has to be a name, {\"name\": ..., \"roles\": [...]}, or null for nobody.");
    }
    principal.authenticated_by = "explain";
    DIVAN_TRY_VOID(authenticator.elevate(principal));
    return principal;
}

Result<access::Question> read_question(access::Authenticator &authenticator, const json::Object &body) {
    access::Question question;
    const auto *user = body.find("user");
    if (user == nullptr)
        return Error(ErrorCode::bad_request, "`user` says who would ask.");
    DIVAN_TRY(question.operation, text_member(body, "operation"));
    DIVAN_TRY(question.database, text_member(body, "database"));
    if (const auto *document = body.find("document"); document != nullptr && document->is_string()) {
        question.document_id = document->string();
    } else if (document != nullptr && document->is_object()) {
        question.document = document->object();
        if (const auto *id = document->object().find("_id"); id != nullptr && id->is_string())
            question.document_id = id->string();
    } else if (document != nullptr) {
        return Error(ErrorCode::bad_request, "`document` is an id, or an object.");
    }
    DIVAN_TRY(question.principal, read_principal(authenticator, *user));
    return question;
}

Task<Result<void>> post_explain(Call &call) {
    auto typed = call.require_json_content_type();
    if (!typed.ok())
        co_return typed.error();
    auto body = co_await read_object(call);
    if (!body.ok())
        co_return body.error();
    const auto &services = call.services();
    auto answer = co_await call.on_engine([&]() -> Result<json::Object> {
        DIVAN_TRY(auto question, read_question(services.authenticator, body->object()));
        return access::explain_access(services.gate, services.authenticator.users(), question, now(call));
    });
    if (!answer.ok())
        co_return answer.error();
    co_return co_await call.send_json(200, json::Value(std::move(*answer)));
}

Task<Result<void>> get_security_report(Call &call) {
    auto known = check_node(call);
    if (!known.ok())
        co_return known.error();
    const auto &services = call.services();
    auto report = co_await call.on_engine([&]() -> Result<json::Object> {
        DIVAN_TRY(auto policies, services.gate.policies().current());
        access::ReportFacts facts{services.node_name, now(call), policies.get(), {}};
        DIVAN_TRY(facts.admins_by_role,
                  services.authenticator.users().names_with_roles(policies->server_admin_roles()));
        return access::security_report(services.config, facts);
    });
    if (!report.ok())
        co_return report.error();
    co_return co_await call.send_json(200, json::Value(std::move(*report)));
}

} // namespace

std::vector<Route> access_routes() {
    constexpr auto kAdmin = access::Permission::server_admin;
    return {
        {"POST", "/_access/explain", kAdmin, post_explain,
         "Whether a user may do something to a document, and which rule decides."},
        {"GET", "/_node/{node}/_security_report", kAdmin, get_security_report,
         "How the server is secured, and what should be mended."},
    };
}

} // namespace divan::api
