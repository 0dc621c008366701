// List functions: views and listings, rendered by a function of a design document.

#include "api/browser_headers.h"
#include "api/design_calls.h"
#include "api/function_calls.h"
#include "api/function_response.h"
#include "api/list_run.h"
#include "api/listing.h"
#include "api/query_handlers.h"
#include "api/query_time.h"
#include "api/request_object.h"
#include "api/router.h"
#include "api/view_query.h"
#include "config/config.h"
#include "design/function_error.h"
#include "json/writer.h"

namespace divan::api {
namespace {

using access::Permission;

// Written by a function and not yet taken by the client.
constexpr std::size_t kBufferBytesMax = 4 << 20;
// How often a request that waits for a function looks up.
constexpr Millis kWaitPause{60'000};

// Which view a list shows: of another design document if the path names one.
std::string view_design_id(const Call &call) {
    for (const auto &[name, value] : call.path_parameters)
        if (name == "view_ddoc")
            return "_design/" + value;
    return "_design/" + call.path_parameter("ddoc");
}

Task<Result<RowQuery>> view_rows(Call &call, const json::Object *body) {
    auto document = co_await find_design_document(call, view_design_id(call));
    if (!document.ok())
        co_return document.error();
    auto options = read_view_options(call.query, body, {.one_key_is_key = true});
    if (!options.ok())
        co_return options.error();
    auto view = co_await find_view(call, std::move(*document), call.path_parameter("view"));
    if (!view.ok())
        co_return view.error();
    auto checked = check_view_query(call, *view, *options);
    if (!checked.ok())
        co_return checked.error();
    auto query = co_await open_view(call, *view, *options);
    update_later(*view, *options);
    co_return query;
}

// Writes what the function writes, as it comes. The status is sent with the first text, so that a function
// that fails before has its own.
Task<Result<void>> stream(Call &call, const script::Program &program, ListRun &run) {
    std::string start = "{}";
    for (;;) {
        auto part = run.take();
        if (part.start)
            start = std::move(*part.start);
        if (part.answer) {
            if (!part.answer->ok())
                co_return part.answer->error();
            log_lines(call, program.design_id, (*part.answer)->log);
            if ((*part.answer)->values.size() != 1)
                co_return ErrorCode::script_failed;
            if (const auto *error = std::get_if<script::FunctionError>(&(*part.answer)->values.front()))
                co_return design::to_error(*error);
        }
        if (!call.response().started() && (part.answer || !part.chunks.empty())) {
            auto response =
                read_function_response(start, content_security_policy(call.services().config, "showlist"));
            if (!response.ok())
                co_return response.error();
            if (part.answer)
                co_return co_await call.send(std::move(response->head), std::move(part.chunks));
            auto started = co_await call.start(std::move(response->head));
            if (!started.ok())
                co_return started.error();
        }
        if (!part.chunks.empty()) {
            auto written = co_await call.response().write(std::move(part.chunks));
            if (!written.ok())
                co_return written.error();
        }
        if (part.answer)
            co_return co_await call.response().finish();
        auto wake = co_await call.exchange().wait(run.event(), pause_in_query_time(call, kWaitPause));
        if (wake == net::Wake::closed)
            co_return ErrorCode::cancelled;
        auto in_time = check_query_time(call);
        if (!in_time.ok())
            co_return in_time.error();
    }
}

Task<Result<void>> run_list(Call &call, std::shared_ptr<const script::Program> program, RowQuery query,
                            std::string request) {
    auto head =
        co_await run_on(*query.pool, call.exchange().executor(), [&] { return query.reader->head(); });
    if (!head.ok())
        co_return head.error();
    auto run = std::make_shared<ListRun>(std::move(query.reader), kBufferBytesMax);
    script::ListRequest list;
    list.program = program;
    list.invocation = {0, {"{" + *head + "}", std::move(request)}};
    list.rows = run.get();
    call.services().scripts.list(
        std::move(list), [run](Result<script::CallAnswer> answer) { run->finish(std::move(answer)); });
    auto streamed = co_await stream(call, *program, *run);
    run->close();
    co_return streamed;
}

Task<Result<void>> serve_list(Call &call, std::optional<std::string> body_text, const json::Object *body) {
    auto document = co_await find_design_document(call);
    if (!document.ok())
        co_return document.error();
    auto program = find_function(call, **document, "lists", call.path_parameter("function"), true);
    if (!program.ok())
        co_return program.error();
    Result<RowQuery> query = ErrorCode::not_found;
    if (call.path_parameter("view") == "_all_docs")
        query = listing_query(call, ListingKind::all_docs, body, Precedence::query);
    else
        query = co_await view_rows(call, body);
    if (!query.ok())
        co_return query.error();
    auto request =
        co_await call.on_engine([&] { return request_object(call, {.body = std::move(body_text)}); });
    if (!request.ok())
        co_return request.error();
    co_return co_await run_list(call, std::move(*program), std::move(*query), std::move(*request));
}

} // namespace

Task<Result<void>> get_list(Call &call) {
    co_return co_await serve_list(call, std::optional<std::string>(), nullptr);
}

Task<Result<void>> post_list(Call &call) {
    auto body = co_await read_object(call);
    if (!body.ok())
        co_return body.error();
    std::optional<std::string> text = json::to_text(*body);
    co_return co_await serve_list(call, std::move(text), &body->object());
}

namespace {

// A path that names no view, or too much.
Task<Result<void>> refuse_path(Call &call) {
    if (call.method != "GET" && call.method != "POST")
        co_return co_await refuse_design_method(call, std::string(kViewMethods));
    co_return co_await refuse_design_path(call, std::string("list_error"));
}

} // namespace

std::vector<Route> list_routes() {
    constexpr auto kReader = Permission::database_reader;
    constexpr const char *kRefused = "Refused: a list needs a function and a view.";
    constexpr const char *kOne = "/{db}/_design/{ddoc}/_list/{function}/{view}";
    constexpr const char *kOther = "/{db}/_design/{ddoc}/_list/{function}/{view_ddoc}/{view}";
    constexpr auto refused = refused_design_method<kViewMethods>;
    return {
        {"GET", kOne, kReader, get_list, "A view, rendered by a list function; parameters as of views."},
        {"POST", kOne, kReader, post_list, "As GET; parameters in the body."},
        {"GET", kOther, kReader, get_list, "A view of another design document, rendered by a list function."},
        {"POST", kOther, kReader, post_list, "As GET; parameters in the body."},
        {kAnyMethod, kOne, kReader, refused, "Refused: there is no such method."},
        {kAnyMethod, kOther, kReader, refused, "Refused: there is no such method."},
        {kAnyMethod, "/{db}/_design/{ddoc}/_list", kReader, refuse_path, kRefused},
        {kAnyMethod, "/{db}/_design/{ddoc}/_list/{rest...}", kReader, refuse_path, kRefused},
    };
}

} // namespace divan::api
