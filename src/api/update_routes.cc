// Update handlers: functions that make a document of a request (chttpd_show:handle_doc_update_req).

#include "api/browser_headers.h"
#include "api/design_calls.h"
#include "api/document_handlers.h"
#include "api/engine_calls.h"
#include "api/function_calls.h"
#include "api/function_response.h"
#include "api/parameters.h"
#include "api/request_object.h"
#include "api/router.h"
#include "base/encoding.h"
#include "db/store.h"
#include "doc/document_id.h"
#include "telemetry/metrics.h"
#include "json/parser.h"

namespace divan::api {
namespace {

// What the function returned: [document, response].
struct UpdateAnswer {
    std::optional<std::string> document; // its JSON text; nothing: nothing is written
    FunctionResponse response;
    bool has_status = false; // the function said one
};

Result<UpdateAnswer> read_update_answer(std::string_view json, const std::optional<std::string> &policy) {
    DIVAN_TRY(auto value, json::parse(json, {.depth_max = json::kAnyDepth, .raw_depth = 1}));
    Error undefined(ErrorCode::function_failed, "render_error", "undefined response from update function");
    if (!value.is_array() || value.array().size() < 2)
        return undefined;
    const auto &document = value.array()[0].raw_text();
    const auto &response = value.array()[1].raw_text();
    if (response.front() != '{' && response.front() != '"')
        return undefined;
    UpdateAnswer answer;
    if (document.front() == '{')
        answer.document = document;
    if (response.front() == '"') {
        DIVAN_TRY(answer.response, read_function_response("{\"body\":" + response + "}", policy));
        return answer;
    }
    DIVAN_TRY(answer.response, read_function_response(response, policy));
    DIVAN_TRY(auto members, json::parse(response, {.depth_max = json::kAnyDepth, .raw_depth = 1}));
    answer.has_status = members.object().contains("code");
    return answer;
}

Result<wire::PreparedDocument> prepare_update(const Call &call, std::string_view json) {
    DIVAN_TRY(auto value, json::parse(json, call.json_options(1)));
    DIVAN_TRY(auto input, wire::read_document(value));
    if (!input.id)
        input.id.emplace(); // refused like every id that is empty
    DIVAN_TRY_VOID(call.database->check_id(*input.id));
    return wire::prepare_document(call.services().config, *call.database, std::move(input), false);
}

// As every write of such a document does.
Result<void> authorize_update(const Call &call, const std::string &id) {
    if (!doc::is_design_id(id))
        return {};
    auto opened =
        call.services().gate.open(call.principal, access::Permission::database_admin, call.database->name());
    return opened.ok() ? Result<void>() : Result<void>(opened.error());
}

// The new revision.
Task<Result<std::string>> write_update(Call &call, wire::PreparedDocument prepared) {
    auto &edit = prepared.edit;
    if (edit.id.starts_with("_local/")) {
        std::optional<std::string> rev;
        if (edit.parent)
            rev = edit.parent->text();
        co_return co_await call.on_engine([&]() -> Result<std::string> {
            if (!edit.deleted)
                return call.database->write_local(edit.id, std::move(edit.json), rev, false);
            DIVAN_TRY_VOID(call.database->erase_local(edit.id));
            return std::string("0-0");
        });
    }
    auto checked = co_await check_design_document(call, edit);
    if (!checked.ok())
        co_return checked.error();
    auto id = edit.id;
    std::vector<db::Edit> edits;
    edits.push_back(std::move(edit));
    auto written = co_await write_documents(call, std::move(edits));
    if (!written.front().ok())
        co_return written.front().error();
    log_advice(call, id, *checked);
    call.services().metrics.count(telemetry::Metric::document_writes);
    co_return written.front()->rev.text();
}

Task<Result<UpdateAnswer>> run_update(Call &call, std::optional<std::string> id) {
    auto design = co_await find_design_document(call);
    if (!design.ok())
        co_return design.error();
    auto program = find_function(call, **design, "updates", call.path_parameter("function"));
    if (!program.ok())
        co_return program.error();
    RequestObjectParts parts{id, std::nullopt};
    auto body = co_await read_function_body(call);
    if (!body.ok())
        co_return body.error();
    parts.body = std::move(*body);
    auto arguments = co_await call.on_engine([&]() -> Result<std::vector<std::string>> {
        std::optional<FunctionDocument> document;
        if (id) {
            DIVAN_TRY(document, read_function_document(*call.database, *id));
        }
        DIVAN_TRY(auto request, request_object(call, parts));
        return std::vector<std::string>{document ? std::move(document->json) : "null", std::move(request)};
    });
    if (!arguments.ok())
        co_return arguments.error();
    auto answer = co_await call_function(call, std::move(*program), std::move(*arguments));
    if (!answer.ok())
        co_return answer.error();
    auto policy = content_security_policy(call.services().config, "showlist");
    co_return co_await call.on_engine([&] { return read_update_answer(*answer, policy); });
}

Task<Result<void>> update(Call &call, std::optional<std::string> id) {
    auto answer = co_await run_update(call, std::move(id));
    if (!answer.ok())
        co_return answer.error();
    auto &response = answer->response;
    if (answer->document) {
        auto prepared = co_await call.on_engine([&]() -> Result<wire::PreparedDocument> {
            DIVAN_TRY(auto made, prepare_update(call, *answer->document));
            DIVAN_TRY_VOID(authorize_update(call, made.edit.id));
            return made;
        });
        if (!prepared.ok())
            co_return prepared.error();
        auto written_id = prepared->edit.id;
        auto rev = co_await write_update(call, std::move(*prepared));
        if (!rev.ok())
            co_return rev.error();
        response.head.headers.set("X-Couch-Id", percent_encode(written_id));
        response.head.headers.set("X-Couch-Update-NewRev", *rev);
        bool accepted = asks_for_copies(call.query.find("w").value_or(""));
        if (!answer->has_status)
            response.head.status = accepted ? 202 : 201;
    }
    co_return co_await call.send(std::move(response.head), std::move(response.body));
}

constexpr char kPathError[] = "update_error";

Task<Result<void>> update_nothing(Call &call) {
    co_return co_await update(call, std::nullopt);
}

Task<Result<void>> update_document(Call &call) {
    co_return co_await update(call, call.path_parameter("docid"));
}

// What is missing is told first, as in CouchDB.
Task<Result<void>> refuse_update_method(Call &call) {
    auto design = co_await find_design_document(call);
    if (!design.ok())
        co_return design.error();
    auto program = find_function(call, **design, "updates", call.path_parameter("function"));
    if (!program.ok())
        co_return program.error();
    call.common_headers.add("Allow", "POST,PUT,DELETE");
    co_return Error(ErrorCode::method_not_allowed, "Update functions do not allow " + call.method);
}

} // namespace

std::vector<Route> update_routes() {
    constexpr auto kReader = access::Permission::database_reader;
    constexpr auto kWriter = access::Permission::database_writer;
    constexpr std::string_view kFunction = "/{db}/_design/{ddoc}/_update/{function}";
    constexpr std::string_view kDocument = "/{db}/_design/{ddoc}/_update/{function}/{docid...}";
    std::vector<ParameterInfo> parameters = {{"w", "integer", "Copies to wait for; more than one: 202."}};
    std::vector<Route> routes = {
        {kAnyMethod, "/{db}/_design/{ddoc}/_update", kReader, refused_design_path<kPathError>, "Refused."}};
    for (std::string_view method : {"POST", "PUT", "DELETE"}) {
        routes.push_back({method, kFunction, kWriter, update_nothing,
                          "Lets a function make a document of the request.", parameters});
        routes.push_back({method, kDocument, kWriter, update_document,
                          "Lets a function change a document by the request.", parameters});
    }
    for (auto pattern : {kFunction, kDocument})
        routes.push_back({kAnyMethod, pattern, kReader, refuse_update_method, "Refused."});
    return routes;
}

} // namespace divan::api
