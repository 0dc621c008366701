#include "api/dispatcher.h"

#include "access/authenticator.h"
#include "anomaly/watch.h"
#include "api/audit_notes.h"
#include "api/cors.h"
#include "api/gzip_exchange.h"
#include "base/encoding.h"
#include "config/config.h"
#include "telemetry/log.h"
#include "telemetry/metrics.h"

#include <algorithm>
#include <fmt/format.h>

namespace divan::api {
namespace {

constexpr std::size_t kRequestIdBytesMax = 36;

bool is_request_id(std::string_view text) {
    return !text.empty() && text.size() <= kRequestIdBytesMax &&
           std::all_of(text.begin(), text.end(), [](char c) {
               return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                      c == '_' || c == '-';
           });
}

std::vector<std::string_view> split_pattern(std::string_view pattern) {
    std::vector<std::string_view> parts;
    pattern.remove_prefix(1);
    for (;;) {
        auto slash = pattern.find('/');
        parts.push_back(pattern.substr(0, slash));
        if (slash == std::string_view::npos)
            return parts;
        pattern.remove_prefix(slash + 1);
    }
}

bool is_parameter(std::string_view part) {
    return part.starts_with("{");
}

bool takes_rest(std::string_view part) {
    return part.ends_with("...}");
}

std::string_view parameter_name(std::string_view part) {
    part = part.substr(1, part.size() - 2);
    return part.ends_with("...") ? part.substr(0, part.size() - 3) : part;
}

std::string method_of(const Call &call) {
    std::string method = call.head().method == "HEAD" ? "GET" : call.head().method;
    if (method == "POST")
        if (auto other = call.header("X-HTTP-Method-Override"))
            for (std::string_view allowed : {"GET", "PUT", "DELETE", "COPY"})
                if (net::equal_without_case(*other, allowed))
                    method = allowed;
    return method;
}

// Without the codes and states of logins: they are secrets.
std::string_view logged_target(const net::RequestHead &head) {
    auto path = head.raw_path();
    bool secret = path.starts_with("/_session/oidc/") || path.starts_with("/_session/saml/");
    return secret ? path : std::string_view(head.target);
}

// What a function of a design document does wrong is its author's error, and what a query asks for its
// client's.
telemetry::Level level_of(const Error &error) {
    switch (error.code()) {
    case ErrorCode::query_timeout:
    case ErrorCode::function_failed:
    case ErrorCode::invalid_value:
    case ErrorCode::os_process_error:
    case ErrorCode::script_failed:
        return telemetry::Level::warning;
    default:
        return telemetry::Level::error;
    }
}

} // namespace

std::vector<Route> all_routes() {
    std::vector<Route> routes;
    for (auto area : {server_routes,  node_routes,       cluster_routes, session_routes,   totp_routes,
                      oidc_routes,    saml_routes,       access_routes,  lockout_routes,   database_routes,
                      listing_routes, view_routes,       find_routes,    index_routes,     list_routes,
                      changes_routes, db_updates_routes, bulk_routes,    document_routes,  attachment_routes,
                      show_routes,    update_routes,     rewrite_routes, partition_routes, replication_routes,
                      audit_routes,   reserved_routes})
        for (auto &route : area())
            routes.push_back(std::move(route));
    return routes;
}

Dispatcher::Dispatcher(const Services &services, std::vector<Route> routes)
    : services_(services), routes_(std::move(routes)) {
    for (const auto &route : routes_)
        add(route);
}

void Dispatcher::add(const Route &route) {
    auto *node = &root_;
    for (auto part : split_pattern(route.pattern)) {
        if (takes_rest(part)) {
            node->rest_routes.push_back(&route);
            return;
        }
        auto &next = is_parameter(part) ? node->parameter : node->literals[std::string(part)];
        if (!next)
            next = std::make_unique<Node>();
        node = next.get();
    }
    node->routes.push_back(&route);
}

bool Dispatcher::find(const Node &node, const std::vector<net::PathPart> &parts, std::size_t at,
                      Match &match) {
    if (at == parts.size()) {
        if (node.routes.empty())
            return false;
        match.routes = &node.routes;
        return true;
    }
    if (auto literal = node.literals.find(parts[at].decoded);
        literal != node.literals.end() && find(*literal->second, parts, at + 1, match))
        return true;
    if (node.parameter) {
        match.values.push_back(parts[at].decoded);
        if (find(*node.parameter, parts, at + 1, match))
            return true;
        match.values.pop_back();
    }
    if (node.rest_routes.empty())
        return false;
    std::string rest;
    for (auto i = at; i < parts.size(); ++i)
        rest.append(i > at ? "/" : "").append(parts[i].decoded);
    match.values.push_back(std::move(rest));
    match.routes = &node.rest_routes;
    return true;
}

Task<void> Dispatcher::handle(net::Exchange &exchange) const {
    auto level = compression_level(exchange.head(), services_.config);
    if (!level) {
        co_await answer(exchange);
        co_return;
    }
    GzipExchange compressed(exchange, services_.engine_pool, *level);
    co_await answer(compressed);
}

Task<void> Dispatcher::answer(net::Exchange &exchange) const {
    Call call(exchange, services_);
    auto given_id = call.header("X-Couch-Request-ID");
    call.request_id =
        given_id && is_request_id(*given_id) ? std::string(*given_id) : hex_encode(services_.random.bytes(5));
    auto served = co_await serve(call);
    if (!served.ok()) {
        if (!call.response().started()) {
            auto sent = co_await call.send_error(served.error());
            ignore_error(sent, "the client is gone");
        } else {
            // What has begun with 200 cannot become an error: the client sees a cut-off answer.
            call.response().abort();
            services_.metrics.count(telemetry::Metric::aborted_requests);
            if (served.error().code() != ErrorCode::cancelled)
                services_.log.write(level_of(served.error()), call.request_id,
                                    "an answer was cut off: " + served.error().reason());
        }
        if (served.error().status() == 500)
            services_.log.write(level_of(served.error()), call.request_id, served.error().reason());
    }
    auto took = services_.clock.monotonic() - call.started_at();
    auto status = call.response().status();
    services_.metrics.count_request(call.head().method, status, took);
    if (services_.log.enabled(telemetry::Level::notice)) {
        services_.log.write(telemetry::Level::notice, call.request_id,
                            fmt::format("{} {} {} {} {} {} ok {}", call.header("Host").value_or("undefined"),
                                        call.head().remote_address,
                                        call.principal.anonymous() ? "undefined" : call.principal.name,
                                        call.head().method, logged_target(call.head()), status,
                                        std::chrono::duration_cast<Millis>(took).count()));
    }
}

Task<Result<access::Principal>> Dispatcher::authenticate(Call &call) const {
    // Before any password is looked at.
    if (services_.anomaly != nullptr)
        if (auto admitted = services_.anomaly->admit(call.head().remote_address); !admitted.ok())
            co_return admitted.error();
    auto &authenticator = services_.authenticator;
    auto principal = authenticator.authenticate_quickly(call.head());
    services_.metrics.count(principal ? telemetry::Metric::auth_cache_hits
                                      : telemetry::Metric::auth_cache_misses);
    if (!principal)
        principal = co_await authenticator.authenticate(call.head(), call.exchange().executor());
    if (services_.audit != nullptr)
        co_await note_authentication(call, *principal);
    if (principal->ok() && (*principal)->authenticated_by == "cookie" &&
        authenticator.should_renew(call.head()))
        call.common_headers.add("Set-Cookie", authenticator.session_cookie(**principal, call.head().tls));
    co_return std::move(*principal);
}

Task<Result<void>> Dispatcher::serve(Call &call) const {
    call.method = method_of(call);
    auto preflight = apply_cors(call);
    if (preflight) {
        co_return co_await call.send(std::move(*preflight), std::string());
    }
    auto principal = co_await authenticate(call);
    if (!principal.ok())
        co_return principal.error();
    call.principal = std::move(*principal);
    auto served = co_await route(call);
    if (!served.ok())
        co_await note_refusal(call, served.error());
    co_return served;
}

Task<Result<void>> Dispatcher::follow_rewrite(Call &call) const {
    RewrittenExchange exchange(call.exchange(), std::move(*call.rewritten));
    Call next(exchange, services_);
    next.method = method_of(next);
    next.principal = call.principal;
    next.request_id = call.request_id;
    next.common_headers = call.common_headers;
    next.rewrites = call.rewrites + 1;
    auto served = co_await route(next);
    call.common_headers = std::move(next.common_headers);
    co_return served;
}

Task<Result<void>> Dispatcher::route(Call &call) const {
    auto parts =
        net::split_path(call.head().raw_path(), services_.config.boolean("chttpd", "decode_plus_to_space"));
    if (!parts.ok())
        co_return parts.error();
    if (parts->size() > 1 && parts->back().raw.empty())
        parts->pop_back();
    auto query = net::Query::parse(call.head().raw_query());
    if (!query.ok())
        co_return query.error();
    call.query = std::move(*query);

    const auto &first = parts->front().decoded;
    bool login_required =
        services_.config.boolean("chttpd", "require_valid_user") ||
        (first != "_up" && services_.config.boolean("chttpd", "require_valid_user_except_for_up"));
    if (call.principal.anonymous() && first != "_session" && login_required)
        co_return Error(ErrorCode::unauthorized, "Authentication required.");

    Match match;
    if (!find(root_, *parts, 0, match))
        co_return Error(ErrorCode::not_found, "missing");
    const Route *route = nullptr;
    for (const auto *candidate : *match.routes)
        if (candidate->method == call.method || (route == nullptr && candidate->method == kAnyMethod))
            route = candidate;
    std::size_t value = 0;
    for (auto part : split_pattern((route != nullptr ? route : match.routes->front())->pattern))
        if (is_parameter(part))
            call.path_parameters.emplace_back(parameter_name(part), std::move(match.values[value++]));
    if (route == nullptr) {
        co_return co_await refuse_method(call, *match.routes);
    }
    auto served = co_await run(call, *route);
    if (served.ok() && call.rewritten) {
        co_return co_await follow_rewrite(call);
    }
    co_return served;
}

Task<Result<void>> Dispatcher::refuse_method(Call &call, const std::vector<const Route *> &routes) const {
    // Who may not see a thing is not told what can be done with it.
    auto authorized = services_.gate.authorize(call.principal, routes.front()->permission);
    if (!authorized.ok())
        co_return authorized.error();
    std::string list(couchdb_method_list(routes.front()->pattern));
    for (const auto *route : routes) {
        if (!couchdb_method_list(route->pattern).empty())
            break;
        list.append(list.empty() ? "" : ",").append(route->method);
        if (route->method == "GET")
            list.append(",HEAD");
    }
    call.common_headers.add("Allow", list);
    co_return Error(ErrorCode::method_not_allowed, fmt::format("Only {} allowed", list));
}

// Leaves of the database what is shown of the document that the path names.
Result<void> Dispatcher::show_document(Call &call) const {
    if (call.method != "GET" && call.method != "COPY")
        return {};
    for (const auto &[name, value] : call.path_parameters)
        if (name == "docid" || name == "ddoc") {
            DIVAN_TRY(call.database,
                      services_.gate.show_document(call.principal, call.database,
                                                   name == "docid" ? value : "_design/" + value));
            return {};
        }
    return {};
}

Task<Result<void>> Dispatcher::run(Call &call, const Route &route) const {
    if (!route.pattern.starts_with("/{db}")) {
        auto authorized = services_.gate.authorize(call.principal, route.permission);
        if (!authorized.ok())
            co_return authorized.error();
        co_return co_await route.handler(call);
    }
    const auto &name = call.path_parameter("db");
    if (name.starts_with("_")) {
        // Not a database but a server path that does not exist: only admins are told.
        auto legal = db::check_database_name(name);
        if (!legal.ok()) {
            auto authorized = services_.gate.authorize(call.principal, access::Permission::server_admin);
            if (!authorized.ok())
                co_return authorized.error();
            if (route.pattern != "/{db}" || route.method != "PUT")
                co_return Error(ErrorCode::not_found, "Database does not exist.");
            co_return legal.error();
        }
    }
    if (route.pattern == "/{db}" && (route.method == "PUT" || route.method == "DELETE")) {
        // The catalog's business: the database need not exist.
        auto catalog = co_await call.on_engine(
            [&] { return services_.gate.catalog(call.principal, route.permission, name); });
        if (!catalog.ok())
            co_return catalog.error();
        co_return co_await route.handler(call);
    }
    const auto &gate = services_.gate;
    auto permission = gate.in_system_database(route.permission, name, call.method,
                                              route.pattern.substr(std::string_view("/{db}").size()));
    auto opened = gate.open_cached(call.principal, permission, name);
    if (opened.ok() && !*opened) {
        opened = co_await call.on_engine([&] { return gate.open(call.principal, permission, name); });
    }
    if (!opened.ok())
        co_return opened.error();
    call.database = std::move(*opened);
    call.permission = permission;
    auto shown = show_document(call);
    if (!shown.ok())
        co_return shown.error();
    if (services_.audit != nullptr)
        co_await note_read(call, route);
    auto served = co_await route.handler(call);
    count_read(call, route);
    co_return served;
}

} // namespace divan::api
