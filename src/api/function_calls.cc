#include "api/function_calls.h"

#include "base/encoding.h"
#include "design/function_document.h"
#include "design/function_error.h"
#include "telemetry/log.h"
#include "json/parser.h"
#include "json/writer.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>

namespace divan::api {
namespace {

constexpr std::int64_t kStatusMin = 200;
constexpr std::int64_t kStatusMax = 599;

Error response_error(std::string reason) {
    return Error(ErrorCode::function_failed, "external_response_error", std::move(reason));
}

bool is_token(std::string_view name) {
    return !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
               std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
    });
}

bool has_control(std::string_view value) {
    return std::any_of(value.begin(), value.end(), [](char c) {
        return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f;
    });
}

// What the server says itself.
bool is_of_the_server(std::string_view name) {
    constexpr std::array kNames = {"Content-Length", "Transfer-Encoding", "Connection", "Server", "Date"};
    return std::any_of(kNames.begin(), kNames.end(),
                       [&](const char *mine) { return net::equal_without_case(name, mine); });
}

Result<void> read_headers(const json::Value &value, net::Headers &headers) {
    if (!value.is_object())
        return response_error("`headers` of a response must be an object.");
    for (const auto &[name, member] : value.object()) {
        auto text = member.is_string() ? member.string() : json::to_text(member);
        // A line break would begin another field.
        if (!is_token(name) || has_control(text))
            return response_error(fmt::format("`{}` is not a header that can be sent.", name));
        if (!is_of_the_server(name))
            headers.set(name, std::move(text));
    }
    return {};
}

Result<void> read_member(const std::string &key, const json::Value &value, FunctionResponse &response,
                         std::string &content_type) {
    if (key == "code") {
        auto code = value.as_int64();
        if (!code || *code < kStatusMin || *code > kStatusMax)
            return response_error("`code` of a response must be a status from 200 to 599.");
        response.status = static_cast<int>(*code);
    } else if (key == "headers") {
        return read_headers(value, response.headers);
    } else if (key == "json") {
        response.body = json::to_text(value);
        response.is_json = true;
        content_type = "application/json";
    } else if (key == "body" || key == "base64") {
        if (!value.is_string())
            return response_error(fmt::format("`{}` of a response must be a string.", key));
        auto bytes = key == "body" ? std::optional(value.string()) : base64_decode(value.string());
        if (!bytes)
            return response_error("`base64` of a response is not base64.");
        response.body = std::move(*bytes);
        content_type = key == "body" ? "text/html; charset=utf-8" : "application/binary";
    } else if (key != "stop") {
        return response_error(
            fmt::format("Invalid data from external server: {{\"{}\":{}}}", key, json::to_text(value)));
    }
    return {};
}

} // namespace

Result<void> require_javascript(const design::DesignDocument &document) {
    if (document.is_javascript())
        return {};
    return Error(ErrorCode::function_failed, "unknown_query_language", document.language);
}

Result<std::shared_ptr<const script::Program>> find_function(const Call &call,
                                                             const design::DesignDocument &document,
                                                             std::string_view section, std::string_view name,
                                                             bool renders) {
    DIVAN_TRY(auto source, document.function(section, name));
    DIVAN_TRY_VOID(require_javascript(document));
    return design::function_program(*call.database, document, fmt::format("{}.{}", section, name),
                                    std::move(source), renders);
}

void log_lines(const Call &call, std::string_view design_id, const std::vector<script::LogLine> &lines) {
    for (const auto &line : lines)
        call.services().log.write(telemetry::Level::info, call.request_id,
                                  fmt::format("{} {}: {}", design_id, line.function, line.text));
}

Task<Result<std::string>> call_function(Call &call, std::shared_ptr<const script::Program> program,
                                        std::vector<std::string> arguments) {
    using Answer = Result<script::CallAnswer>;
    script::CallRequest request;
    request.program = program;
    request.invocations.push_back({0, std::move(arguments)});
    auto answer = co_await suspend<Answer>([&call, &request](Resume<Answer> resume) {
        auto &home = call.exchange().executor();
        call.services().scripts.call(std::move(request), [&home, resume](Answer given) {
            home.post([resume, given = std::move(given)]() mutable { resume(std::move(given)); });
        });
    });
    if (!answer.ok())
        co_return answer.error();
    log_lines(call, program->design_id, answer->log);
    if (answer->values.size() != 1)
        co_return ErrorCode::script_failed;
    if (const auto *error = std::get_if<script::FunctionError>(&answer->values.front()))
        co_return design::to_error(*error);
    co_return std::get<std::string>(std::move(answer->values.front()));
}

Result<std::optional<FunctionDocument>> read_function_document(db::Database &database,
                                                               const std::string &id) {
    DIVAN_TRY(auto head, database.head(id));
    if (!head || head->deleted)
        return std::optional<FunctionDocument>();
    DIVAN_TRY(auto tree, database.tree(*head));
    auto winner = tree.winner();
    DIVAN_TRY(auto body, database.body(*head, winner.rev, winner.info));
    if (winner.info.deleted || !body)
        return std::optional<FunctionDocument>();
    return std::optional(
        FunctionDocument{winner.rev.text(),
                         design::function_document(id, *tree.path(winner.rev), false, *body, tree.leaves())});
}

Result<FunctionResponse> read_function_response(std::string_view json) {
    DIVAN_TRY(auto value, json::parse(json, {.depth_max = json::kAnyDepth}));
    FunctionResponse response;
    std::string content_type = "application/json";
    if (value.is_string()) {
        response.body = value.string();
        content_type = "text/html; charset=utf-8";
    } else if (value.is_object()) {
        for (const auto &[key, member] : value.object()) {
            DIVAN_TRY_VOID(read_member(key, member, response, content_type));
        }
    } else {
        return response_error("A response must be a string or an object.");
    }
    if (!response.headers.contains("Content-Type"))
        response.headers.add("Content-Type", std::move(content_type));
    return response;
}

Task<Result<void>> send_function_response(Call &call, FunctionResponse response) {
    net::ResponseHead head;
    head.status = response.status.value_or(200);
    head.headers = std::move(response.headers);
    if (response.is_json)
        response.body.push_back('\n');
    else if (!head.headers.contains("Content-Security-Policy"))
        head.headers.add("Content-Security-Policy", "sandbox");
    co_return co_await call.send(std::move(head), std::move(response.body));
}

} // namespace divan::api
