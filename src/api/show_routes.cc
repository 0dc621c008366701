// Show functions: a document as anything (chttpd_show:handle_doc_show_req).

#include "api/browser_headers.h"
#include "api/design_calls.h"
#include "api/document_handlers.h"
#include "api/function_calls.h"
#include "api/function_response.h"
#include "api/request_object.h"
#include "api/router.h"
#include "base/encoding.h"
#include "crypto/digest.h"
#include "db/visibility.h"

namespace divan::api {
namespace {

// The function need not run for a client that has what it would answer: the same document, design document,
// media types and roles.
std::string show_etag(const Call &call, const design::DesignDocument &design,
                      const std::optional<FunctionDocument> &document) {
    auto text = design.id + '\n' + design.rev + '\n' + (document ? document->rev : std::string()) + '\n' +
                std::string(call.header("Accept").value_or(""));
    for (const auto &role : call.principal.roles)
        text.append(1, '\n').append(role);
    if (const auto *visibility = call.database->visibility())
        text.append(1, '\n').append(visibility->digest());
    return "\"" + hex_encode(crypto::md5(text)) + "\"";
}

Task<Result<void>> show(Call &call, std::optional<std::string> id) {
    auto design = co_await find_design_document(call);
    if (!design.ok())
        co_return design.error();
    auto program = find_function(call, **design, "shows", call.path_parameter("function"), true);
    if (!program.ok())
        co_return program.error();
    Result<std::optional<FunctionDocument>> document = std::optional<FunctionDocument>();
    if (id)
        document = co_await call.on_engine([&] { return read_function_document(*call.database, *id); });
    if (!document.ok())
        co_return document.error();
    auto etag = show_etag(call, **design, *document);
    if (etag_matches(call, etag)) {
        net::ResponseHead head;
        head.status = 304;
        head.headers.add("ETag", etag);
        co_return co_await call.send(std::move(head), std::string());
    }
    RequestObjectParts parts{std::move(id), std::nullopt};
    auto body = co_await read_function_body(call);
    if (!body.ok())
        co_return body.error();
    parts.body = std::move(*body);
    auto request = co_await call.on_engine([&] { return request_object(call, parts); });
    if (!request.ok())
        co_return request.error();
    std::vector<std::string> arguments{*document ? (*document)->json : "null", std::move(*request)};
    auto answer = co_await call_function(call, std::move(*program), std::move(arguments));
    if (!answer.ok())
        co_return answer.error();
    auto policy = content_security_policy(call.services().config, "showlist");
    auto response = co_await call.on_engine([&] { return read_function_response(*answer, policy); });
    if (!response.ok())
        co_return response.error();
    response->head.headers.set("ETag", etag);
    response->head.headers.set("Vary", "Accept");
    co_return co_await call.send(std::move(response->head), std::move(response->body));
}

constexpr char kPathError[] = "show_error";
constexpr char kShowMethods[] = "GET,HEAD,POST,PUT,DELETE";

Task<Result<void>> show_nothing(Call &call) {
    co_return co_await show(call, std::nullopt);
}

Task<Result<void>> show_document(Call &call) {
    co_return co_await show(call, call.path_parameter("docid"));
}

} // namespace

std::vector<Route> show_routes() {
    constexpr auto kReader = access::Permission::database_reader;
    constexpr std::string_view kFunction = "/{db}/_design/{ddoc}/_show/{function}";
    constexpr std::string_view kDocument = "/{db}/_design/{ddoc}/_show/{function}/{docid...}";
    std::vector<ParameterInfo> parameters = {{"format", "string", "Which of what it provides."}};
    std::vector<Route> routes = {
        {kAnyMethod, "/{db}/_design/{ddoc}/_show", kReader, refused_design_path<kPathError>, "Refused."}};
    for (std::string_view method : {"GET", "POST", "PUT", "DELETE"}) {
        routes.push_back(
            {method, kFunction, kReader, show_nothing, "What a show function makes of nothing.", parameters});
        routes.push_back({method, kDocument, kReader, show_document,
                          "What a show function makes of a document.", parameters});
    }
    for (auto pattern : {kFunction, kDocument})
        routes.push_back({kAnyMethod, pattern, kReader, refused_design_method<kShowMethods>, "Refused."});
    return routes;
}

} // namespace divan::api
