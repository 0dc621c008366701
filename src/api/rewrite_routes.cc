// Rewrites: paths of a design document that stand for others (chttpd_rewrite). The request goes through the
// dispatcher again, as the same user.

#include "api/design_calls.h"
#include "api/function_calls.h"
#include "api/request_object.h"
#include "api/rewrite_rules.h"
#include "api/router.h"
#include "config/config.h"
#include "design/function_error.h"

#include <algorithm>

namespace divan::api {
namespace {

Result<RewriteRequest> rewrite_request(const Call &call) {
    constexpr std::size_t kBefore = 4; // {db}, _design, {ddoc}, _rewrite
    const auto &config = call.services().config;
    DIVAN_TRY(auto parts,
              net::split_path(call.head().raw_path(), config.boolean("chttpd", "decode_plus_to_space")));
    RewriteRequest request;
    request.method = call.method;
    request.database = call.path_parameter("db");
    request.design = call.path_parameter("ddoc");
    for (auto i = kBefore; i < parts.size(); ++i)
        if (!parts[i].decoded.empty())
            request.path.push_back(std::move(parts[i].decoded));
    request.query = &call.query;
    request.secure = config.boolean("chttpd", "secure_rewrites");
    return request;
}

Task<Result<void>> follow_function(Call &call, std::shared_ptr<const design::DesignDocument> design,
                                   RewriteRequest request) {
    auto javascript = design::require_javascript(*design);
    if (!javascript.ok())
        co_return javascript.error();
    auto body = co_await read_function_body(call);
    if (!body.ok())
        co_return body.error();
    RequestObjectParts parts{std::nullopt, std::move(*body), true};
    auto argument = co_await call.on_engine([&] { return request_object(call, parts); });
    if (!argument.ok())
        co_return argument.error();
    const auto &source = design->json.object().find("rewrites")->string();
    auto program = design::function_program(*call.database, *design, "rewrites", source);
    std::vector<std::string> arguments{std::move(*argument)};
    auto returned = co_await call_function(call, std::move(program), std::move(arguments));
    if (!returned.ok())
        co_return returned.error();
    auto answer = read_rewrite_answer(*returned, request);
    if (!answer.ok())
        co_return answer.error();
    auto new_body = answer->body ? std::move(answer->body) : std::move(parts.body);
    if (answer->status) {
        net::ResponseHead head{*answer->status, std::move(answer->headers)};
        co_return co_await call.send(std::move(head), new_body.value_or(""));
    }
    auto &rewritten = call.rewritten.emplace();
    rewritten.head = call.head();
    if (!answer->method.empty())
        rewritten.head.method = answer->method;
    rewritten.head.target = std::move(answer->target);
    // It was read: not compressed any more.
    for (const char *name : {"Content-Encoding", "Transfer-Encoding", "Content-Length"})
        rewritten.head.headers.erase(name);
    for (const auto &[name, value] : answer->headers)
        rewritten.head.headers.set(name, value);
    if (new_body)
        rewritten.head.headers.set("Content-Length", std::to_string(new_body->size()));
    rewritten.body = new_body.value_or("");
    co_return Result<void>();
}

Task<Result<void>> rewrite(Call &call) {
    auto design = co_await find_design_document(call);
    if (!design.ok())
        co_return design.error();
    if (call.rewrites >= call.services().config.integer("chttpd", "rewrite_limit"))
        co_return Error(ErrorCode::bad_request, "Exceeded rewrite recursion limit");
    auto request = rewrite_request(call);
    if (!request.ok())
        co_return request.error();
    const auto *rewrites = (*design)->json.object().find("rewrites");
    if (rewrites != nullptr && rewrites->is_string()) {
        co_return co_await follow_function(call, *design, std::move(*request));
    }
    if (rewrites == nullptr || !rewrites->is_array())
        co_return Error(ErrorCode::not_found, "rewrite_error", "Invalid path.");
    auto target = apply_rewrite_rules(rewrites->array(), *request);
    if (!target.ok())
        co_return target.error();
    auto &rewritten = call.rewritten.emplace();
    rewritten.head = call.head();
    rewritten.head.target = std::move(*target);
    co_return Result<void>();
}

} // namespace

std::vector<Route> rewrite_routes() {
    constexpr auto kReader = access::Permission::database_reader;
    return {
        {kAnyMethod, "/{db}/_design/{ddoc}/_rewrite", kReader, rewrite,
         "Another path, by rules or a function."},
        {kAnyMethod, "/{db}/_design/{ddoc}/_rewrite/{path...}", kReader, rewrite,
         "Another path, by rules or a function."},
    };
}

} // namespace divan::api
