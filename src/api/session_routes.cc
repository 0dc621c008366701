#include "access/authenticator.h"
#include "api/router.h"
#include "json/parser.h"
#include "json/writer.h"

namespace divan::api {
namespace {

using access::Permission;

struct Login {
    std::optional<std::string> name;
    std::string password;
};

Result<Login> parse_login(std::string_view content_type, const std::string &body,
                          const json::ParseOptions &options) {
    Login login;
    if (content_type.starts_with("application/json")) {
        DIVAN_TRY(auto value, json::parse(body, options));
        if (!value.is_object())
            return Error(ErrorCode::bad_request, "Request body must be a JSON object");
        for (const char *key : {"name", "username"})
            if (const auto *name = value.object().find(key);
                name != nullptr && name->is_string() && !login.name)
                login.name = name->string();
        if (const auto *password = value.object().find("password");
            password != nullptr && password->is_string())
            login.password = password->string();
    } else if (content_type.starts_with("application/x-www-form-urlencoded")) {
        DIVAN_TRY(auto form, net::Query::parse(body));
        for (const char *key : {"name", "username"})
            if (auto name = form.find(key); name && !login.name)
                login.name = std::string(*name);
        login.password = form.find("password").value_or("");
    } else {
        return Error(ErrorCode::bad_content_type,
                     "Content-Type must be 'application/x-www-form-urlencoded' or 'application/json'");
    }
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

Task<Result<void>> post_session(Call &call) {
    auto body = co_await call.read_body(
        static_cast<std::size_t>(call.services().config.integer("divan", "session_body_bytes_max")));
    if (!body.ok())
        co_return body.error();
    auto login = parse_login(call.header("Content-Type").value_or(""), *body, call.json_options());
    if (!login.ok())
        co_return login.error();
    if (!login->name)
        co_return Error(ErrorCode::bad_request, "request body must contain a username");
    auto &authenticator = call.services().authenticator;
    auto principal = co_await authenticator.check_password(*login->name, std::move(login->password),
                                                           call.exchange().executor());
    auto next = call.query.find("next");
    if (!principal.ok()) {
        call.common_headers.add("Set-Cookie", authenticator.clearing_cookie(call.head().tls));
        if (auto fail = call.query.find("fail")) {
            net::Headers headers;
            headers.add("Location", call.base_url() + std::string(*fail));
            co_return co_await call.send_json(
                302, std::string(R"({"error":"unauthorized","reason":"Name or password is incorrect."})"),
                std::move(headers));
        }
        co_return principal.error();
    }
    net::Headers headers;
    headers.add("Set-Cookie", authenticator.session_cookie(principal->name, call.head().tls));
    if (next)
        headers.add("Location", call.base_url() + std::string(*next));
    std::string text;
    json::ObjectWriter writer(text);
    writer.member("ok", true).member("name", std::string_view(principal->name)).key("roles");
    append_roles(text, *principal);
    writer.close();
    co_return co_await call.send_json(next ? 302 : 200, std::move(text), std::move(headers));
}

Task<Result<void>> get_session(Call &call) {
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
    info.raw("authentication_handlers", R"(["cookie","default"])");
    if (!principal.anonymous())
        info.member("authenticated", std::string_view(principal.authenticated_by));
    info.close();
    writer.close();
    co_return co_await call.send_json(200, std::move(text));
}

Task<Result<void>> delete_session(Call &call) {
    net::Headers headers;
    headers.add("Set-Cookie", call.services().authenticator.clearing_cookie(call.head().tls));
    auto next = call.query.find("next");
    if (next)
        headers.add("Location", call.base_url() + std::string(*next));
    co_return co_await call.send_ok(next ? 302 : 200, std::move(headers));
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
