#include "api/function_response.h"

#include "base/encoding.h"
#include "json/parser.h"
#include "json/writer.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>

namespace divan::api {
namespace {

// What the server says itself of its connections.
constexpr std::array<std::string_view, 9> kConnectionFields = {
    "Connection", "Content-Length", "Date",    "Keep-Alive",       "Proxy-Connection",
    "Server",     "Trailer",        "Upgrade", "Transfer-Encoding"};

Error invalid(std::string_view what, std::string_view shown) {
    return Error(ErrorCode::function_failed, "external_response_error",
                 fmt::format("Invalid data from external server: {}: {}", what, shown));
}

bool is_token(std::string_view name) {
    return !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
               std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
    });
}

bool is_field_value(std::string_view value) {
    return std::none_of(value.begin(), value.end(), [](char c) {
        auto byte = static_cast<unsigned char>(c);
        return (byte < 0x20 && c != '\t') || byte == 0x7F;
    });
}

Result<void> read_headers(const json::Value &value, net::Headers &headers) {
    if (!value.is_object())
        return invalid("headers", json::to_text(value));
    for (const auto &member : value.object()) {
        auto text = member.value.is_string() ? member.value.string() : json::to_text(member.value);
        if (!is_token(member.key) || !is_field_value(text))
            return invalid(member.key, text);
        bool of_connection =
            std::any_of(kConnectionFields.begin(), kConnectionFields.end(),
                        [&](std::string_view field) { return net::equal_without_case(field, member.key); });
        if (!of_connection)
            headers.add(member.key, std::move(text));
    }
    return {};
}

Result<int> read_code(const json::Value &value) {
    constexpr std::int64_t kFirst = 200;
    constexpr std::int64_t kLast = 599;
    auto code = value.as_int64();
    if (!code || *code < kFirst || *code > kLast)
        return invalid("code", json::to_text(value));
    return static_cast<int>(*code);
}

} // namespace

Result<FunctionResponse> read_function_response(std::string_view json,
                                                const std::optional<std::string> &policy) {
    DIVAN_TRY(auto parsed, json::parse(json, {.depth_max = json::kAnyDepth}));
    if (!parsed.is_object())
        return invalid("response", json);
    FunctionResponse response;
    net::Headers fields;
    std::string default_type = "application/json";
    bool is_json = false;
    for (const auto &[key, value] : parsed.object()) {
        if (key == "code") {
            DIVAN_TRY(response.head.status, read_code(value));
        } else if (key == "headers") {
            DIVAN_TRY_VOID(read_headers(value, fields));
        } else if (key == "body" && value.is_string()) {
            response.body = value.string();
            default_type = "text/html; charset=utf-8";
        } else if (key == "base64" && value.is_string()) {
            auto bytes = base64_decode(value.string());
            if (!bytes)
                return invalid(key, value.string());
            response.body = std::move(*bytes);
            default_type = "application/binary";
        } else if (key == "json") {
            response.body = json::to_text(value) + "\n";
            default_type = "application/json";
            is_json = true;
        } else if (!key.empty() && key != "stop") {
            return invalid(key, json::to_text(value));
        }
    }
    auto &headers = response.head.headers;
    // The first policy is the widest: others can only narrow it.
    if (policy && !is_json)
        headers.add("Content-Security-Policy", *policy);
    if (!fields.contains("Content-Type"))
        headers.add("Content-Type", std::move(default_type));
    for (const auto &[name, value] : fields)
        headers.add(name, value);
    return response;
}

} // namespace divan::api
