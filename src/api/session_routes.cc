#include "access/authenticator.h"
#include "access/handlers.h"
#include "api/audit_notes.h"
#include "api/error_response.h"
#include "api/router.h"
#include "config/config.h"
#include "crypto/secret.h"
#include "json/parser.h"
#include "json/writer.h"

#include <algorithm>
#include <functional>

namespace divan::api {
namespace {

using access::Permission;

// The names under which a login may give its user; both must be the same.
Result<void> take_name(access::Login &login, bool &found, std::string_view name) {
    if (found && login.name != name)
        return Error(ErrorCode::bad_request, "request body contains different usernames");
    found = true;
    login.name = name;
    return {};
}

Result<access::Login> parse_login(std::string_view content_type, const std::string &body,
                                  const json::ParseOptions &options) {
    access::Login login;
    bool named = false;
    std::function<std::string *(std::string_view)> find;
    std::optional<json::Value> value;
    std::optional<net::Query> form;
    if (content_type.starts_with("application/json")) {
        DIVAN_TRY(value, json::parse(body, options));
        if (!value->is_object())
            return Error(ErrorCode::bad_request, "Request body must be a JSON object");
        find = [&](std::string_view key) -> std::string * {
            auto *member = value->object().find(key);
            return member != nullptr && member->is_string() ? &member->string() : nullptr;
        };
    } else if (content_type.starts_with("application/x-www-form-urlencoded")) {
        DIVAN_TRY(form, net::Query::parse(body));
        find = [&](std::string_view key) { return form->find_value(key); };
    } else {
        return Error(ErrorCode::bad_content_type,
                     "Content-Type must be 'application/x-www-form-urlencoded' or 'application/json'");
    }
    for (const char *key : {"name", "username"})
        if (const auto *name = find(key)) {
            DIVAN_TRY_VOID(take_name(login, named, *name));
        }
    if (!named)
        return Error(ErrorCode::bad_request, "request body must contain a username");
    for (auto [key, secret] : {std::pair{"password", &login.password}, std::pair{"token", &login.token},
                               std::pair{"new_password", &login.new_password}})
        if (auto *text = find(key))
            *secret = crypto::Secret::take(*text);
    return login;
}

void append_roles(std::string &text, const access::Principal &principal) {
    text.push_back('[');
    for (std::size_t i = 0; i < principal.roles.size(); ++i) {
        if (i > 0)
            text.push_back(',');
        json::write_string(text, principal.roles[i]);
    }
    text.push_back(']');
}

// Where `next` and `fail` send the client: a path of this server, never another one.
Result<std::optional<std::string>> redirect_to(const Call &call, std::string_view parameter) {
    std::optional<std::string> none;
    auto path = call.query.find(parameter);
    if (!path)
        return none;
    if (!path->starts_with("/"))
        return Error(ErrorCode::bad_request, "path must begin with a /.");
    if (std::any_of(path->begin(), path->end(), [](char c) { return static_cast<unsigned char>(c) < 0x20; }))
        return Error(ErrorCode::bad_request, "path must not have control characters.");
    return std::optional(call.base_url() + std::string(*path));
}

std::string handler_names(const config::Config &config) {
    json::Array names;
    if (auto handlers = access::parse_handlers(config.text("chttpd", "authentication_handlers"));
        handlers.ok())
        for (auto handler : *handlers)
            names.emplace_back(access::handler_name(handler));
    return json::to_text(json::Value(std::move(names)));
}

Task<Result<void>> refuse_login(Call &call, const Error &error, std::optional<std::string> location) {
    if (error.code() != ErrorCode::unauthorized)
        co_return error;
    call.common_headers.add("Set-Cookie", call.services().authenticator.clearing_cookie(call.head().tls));
    if (!location)
        co_return error;
    net::Headers headers;
    headers.add("Location", std::move(*location));
    auto text = error_text(error);
    co_return co_await call.send_json(302, std::move(text), std::move(headers));
}

// A session under way: the cookie, and who it is.
Task<Result<void>> answer_login(Call &call, const access::Principal &principal, net::Headers headers,
                                std::optional<std::string> location) {
    headers.add("Set-Cookie", call.services().authenticator.session_cookie(principal, call.head().tls));
    int status = 200;
    if (location) {
        status = 302;
        headers.add("Location", std::move(*location));
    }
    std::string text;
    json::ObjectWriter writer(text);
    writer.member("ok", true).member("name", std::string_view(principal.name)).key("roles");
    append_roles(text, principal);
    writer.close();
    co_return co_await call.send_json(status, std::move(text), std::move(headers));
}

Task<Result<void>> log_in_by_scram(Call &call, access::ScramCredentials credentials) {
    auto address = call.head().remote_address;
    auto step = co_await call.services().authenticator.log_in_by_scram(
        std::move(credentials), std::move(address), call.exchange().executor());
    if (!step.ok()) {
        co_await note_failed_login(call, std::string(), "scram", step.error());
        co_return step.error();
    }
    net::Headers headers;
    if (!step->challenge.empty()) {
        headers.add("WWW-Authenticate", std::move(step->challenge));
        auto text =
            error_text(Error(ErrorCode::unauthorized, "Go on with the challenge in WWW-Authenticate."));
        co_return co_await call.send_json(401, std::move(text), std::move(headers));
    }
    co_await note_login(call, step->principal, "scram");
    headers.add("Authentication-Info", std::move(step->authentication_info));
    std::optional<std::string> nowhere;
    co_return co_await answer_login(call, step->principal, std::move(headers), std::move(nowhere));
}

// Nothing: the request does not log in by SCRAM.
Result<std::optional<access::ScramCredentials>> scram_credentials(const Call &call) {
    std::optional<access::ScramCredentials> none;
    auto header = call.header("Authorization");
    auto credentials = header ? access::parse_scram_credentials(*header) : std::nullopt;
    if (!credentials)
        return none;
    if (!credentials->ok())
        return credentials->error();
    return std::optional(std::move(**credentials));
}

Task<Result<void>> post_session(Call &call) {
    auto scram = scram_credentials(call);
    if (!scram.ok())
        co_return scram.error();
    if (*scram)
        co_return co_await log_in_by_scram(call, std::move(**scram));
    auto body = co_await call.read_body(
        static_cast<std::size_t>(call.services().config.integer("divan", "session_body_bytes_max")));
    if (!body.ok())
        co_return body.error();
    auto login = parse_login(call.header("Content-Type").value_or(""), *body, call.json_options());
    crypto::cleanse(*body);
    if (!login.ok())
        co_return login.error();
    auto next = redirect_to(call, "next");
    if (!next.ok())
        co_return next.error();
    auto fail = redirect_to(call, "fail");
    if (!fail.ok())
        co_return fail.error();
    login->address = call.head().remote_address;
    auto &authenticator = call.services().authenticator;
    auto name = login->name;
    auto principal = co_await authenticator.log_in(std::move(*login), call.exchange().executor());
    if (!principal.ok())
        co_await note_failed_login(call, std::move(name), "default", principal.error());
    else
        co_await note_login(call, *principal, "default");
    if (!principal.ok())
        co_return co_await refuse_login(call, principal.error(), std::move(*fail));
    net::Headers headers;
    co_return co_await answer_login(call, *principal, std::move(headers), std::move(*next));
}

Task<Result<void>> get_session(Call &call) {
    auto scram = scram_credentials(call);
    if (!scram.ok())
        co_return scram.error();
    if (*scram)
        co_return co_await log_in_by_scram(call, std::move(**scram));
    const auto &principal = call.principal;
    if (auto basic = call.query.find("basic"); basic && *basic == "true" && principal.anonymous())
        co_return Error(ErrorCode::unauthorized, "Please login.");
    std::string text;
    json::ObjectWriter writer(text);
    writer.member("ok", true).key("userCtx");
    json::ObjectWriter user(text);
    if (principal.anonymous())
        user.null("name");
    else
        user.member("name", std::string_view(principal.name));
    user.key("roles");
    append_roles(text, principal);
    user.close();
    writer.key("info");
    json::ObjectWriter info(text);
    info.raw("authentication_handlers", handler_names(call.services().config));
    if (!principal.anonymous())
        info.member("authenticated", std::string_view(principal.authenticated_by));
    info.close();
    writer.close();
    co_return co_await call.send_json(200, std::move(text));
}

Task<Result<void>> delete_session(Call &call) {
    if (!call.principal.anonymous()) {
        auto record = audit_record(call, audit::Kind::authentication, "logout");
        co_await note(call, std::move(record));
    }
    net::Headers headers;
    headers.add("Set-Cookie", call.services().authenticator.clearing_cookie(call.head().tls));
    auto next = redirect_to(call, "next");
    if (!next.ok())
        co_return next.error();
    int status = 200;
    if (*next) {
        status = 302;
        headers.add("Location", std::move(**next));
    }
    co_return co_await call.send_ok(status, std::move(headers));
}

} // namespace

std::vector<Route> session_routes() {
    return {
        {"GET", "/_session", Permission::everybody, get_session, "Who you are."},
        {"POST", "/_session", Permission::everybody, post_session, "Logs in: answers a session cookie."},
        {"DELETE", "/_session", Permission::everybody, delete_session, "Logs out: clears the cookie."},
        {"GET", "/_session/{rest...}", Permission::server_admin, get_session, "As _session."},
    };
}

} // namespace divan::api
