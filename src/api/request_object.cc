#include "api/request_object.h"

#include "api/database_info.h"
#include "api/engine_calls.h"
#include "api/uuids.h"
#include "base/encoding.h"
#include "config/config.h"
#include "json/parser.h"
#include "json/writer.h"

#include <algorithm>

namespace divan::api {
namespace {

// What a function may be given; more would not fit into a worker.
constexpr std::size_t kBodyBytesMax = 64 << 20;

// Erlang's parser writes header names like this, up to so many bytes: functions rely on it.
constexpr std::size_t kCapitalizedBytesMax = 20;

char lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

char upper(char c) {
    return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
}

// "content-type" as "Content-Type".
std::string capitalized(std::string name) {
    if (name.size() > kCapitalizedBytesMax)
        return name;
    bool begins = true;
    for (auto &c : name) {
        c = begins ? upper(c) : lower(c);
        begins = c == '-';
    }
    return name;
}

bool is_secret(std::string_view name) {
    constexpr std::string_view kAuthPrefix = "X-Auth-";
    return net::equal_without_case(name, "Authorization") ||
           net::equal_without_case(name, "Proxy-Authorization") || net::equal_without_case(name, "Cookie") ||
           net::equal_without_case(name.substr(0, kAuthPrefix.size()), kAuthPrefix);
}

void set(json::Object &object, std::string_view key, std::string_view value) {
    object.set(to_utf8(key), json::Value(to_utf8(value)));
}

json::Object header_members(const net::Headers &headers) {
    json::Object members;
    for (const auto &[name, value] : headers) {
        if (is_secret(name))
            continue;
        auto key = capitalized(name);
        const auto *before = members.find(key);
        set(members, key, before != nullptr ? before->string() + ", " + value : value);
    }
    return members;
}

Result<json::Object> query_members(const net::Query &query) {
    json::Object members;
    for (const auto &[name, value] : query) {
        if (name == "key" || name == "startkey" || name == "endkey" || name == "descending") {
            DIVAN_TRY(auto parsed, json::parse(value));
            members.set(name, std::move(parsed));
        } else {
            set(members, name, value);
        }
    }
    return members;
}

// The parts between slashes, decoded; empty ones are left out.
json::Array path_members(std::string_view path, bool plus_is_space) {
    json::Array parts;
    while (!path.empty()) {
        auto part = path.substr(0, path.find('/'));
        path.remove_prefix(std::min(path.size(), part.size() + 1));
        if (!part.empty())
            parts.emplace_back(to_utf8(percent_decode(part, plus_is_space).value_or(std::string(part))));
    }
    return parts;
}

Result<json::Object> form_members(const Call &call, const RequestObjectParts &parts) {
    constexpr std::string_view kForm = "application/x-www-form-urlencoded";
    auto type = call.header("Content-Type").value_or("").substr(0, kForm.size());
    json::Object members;
    if (!parts.body || !net::equal_without_case(type, kForm) ||
        (call.method != "POST" && call.method != "PUT"))
        return members;
    DIVAN_TRY(auto form, net::Query::parse(*parts.body));
    for (const auto &[name, value] : form)
        set(members, name, value);
    return members;
}

} // namespace

Result<std::string> request_object(const Call &call, const RequestObjectParts &parts) {
    bool plus_is_space = call.services().config.boolean("chttpd", "decode_plus_to_space");
    DIVAN_TRY(auto query, query_members(call.query));
    DIVAN_TRY(auto security, call.database->security());
    std::string text;
    json::ObjectWriter writer(text);
    if (!parts.for_rewrite) {
        DIVAN_TRY(auto info, call.database->info());
        writer.raw("info", info_text(info)).member("uuid", std::string_view(new_uuid(call.services())));
        if (parts.document_id)
            writer.member("id", std::string_view(*parts.document_id));
        else
            writer.null("id");
    }
    writer.member("method", std::string_view(call.method));
    writer.value("requested_path", path_members(call.head().target, plus_is_space));
    writer.value("path", path_members(call.head().raw_path(), plus_is_space));
    writer.member("raw_path", std::string_view(to_utf8(call.head().target)));
    writer.value("query", std::move(query));
    writer.value("headers", header_members(call.head().headers));
    writer.member("body", std::string_view(parts.body ? to_utf8(*parts.body) : std::string("undefined")));
    writer.member("peer", std::string_view(call.head().remote_address));
    if (!parts.for_rewrite) {
        DIVAN_TRY(auto form, form_members(call, parts));
        writer.value("form", std::move(form));
    }
    writer.raw("cookie", "{}");
    writer.raw("userCtx", user_context_json(call)).raw("secObj", security);
    writer.close();
    return text;
}

Task<Result<std::optional<std::string>>> read_function_body(Call &call) {
    if (!call.header("Content-Length") && !call.header("Transfer-Encoding"))
        co_return std::optional<std::string>();
    auto body = co_await call.read_body(kBodyBytesMax);
    if (!body.ok())
        co_return body.error();
    co_return std::optional<std::string>(std::move(*body));
}

} // namespace divan::api
