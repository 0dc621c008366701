#include "api/openapi.h"

#include "api/dispatcher.h"
#include "api/openapi_shapes.h"
#include "net/http.h"
#include "json/writer.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <map>

namespace divan::api {
namespace {

using Operations = std::vector<const Route *>;

std::string lower(std::string_view text) {
    std::string out(text);
    std::transform(out.begin(), out.end(), out.begin(),
                   [](char c) { return static_cast<char>(std::tolower(static_cast<unsigned char>(c))); });
    return out;
}

// "{name...}" is "{name}" in OpenAPI.
std::string path_of(std::string_view pattern) {
    std::string path(pattern);
    if (auto dots = path.find("...}"); dots != std::string::npos)
        path.erase(dots, 3);
    return path;
}

// "get_db_all_docs": a name for generated clients.
std::string operation_id(const Route &route) {
    auto id = lower(route.method);
    for (char c : path_of(route.pattern)) {
        if (std::isalnum(static_cast<unsigned char>(c)) != 0)
            id.push_back(c);
        else if (id.back() != '_')
            id.push_back('_');
    }
    if (id.back() == '_')
        id.pop_back();
    return id;
}

std::vector<std::string_view> split(std::string_view text, std::string_view separator) {
    std::vector<std::string_view> parts;
    while (!text.empty()) {
        auto end = std::min(text.find(separator), text.size());
        parts.push_back(text.substr(0, end));
        text.remove_prefix(std::min(end + separator.size(), text.size()));
    }
    return parts;
}

// Appends the members of a "content" object for one body: "Schema", "media/type" or "media/type Schema".
void append_media(std::string &out, const std::vector<std::string_view> &body) {
    bool has_media = body.front().find('/') != std::string_view::npos;
    bool has_schema = !has_media || body.size() > 1;
    if (out.back() != '{')
        out.push_back(',');
    json::write_string(out, has_media ? body.front() : "application/json");
    out.append(":{");
    if (has_schema)
        out.append(R"("schema":{"$ref":"#/components/schemas/)").append(body.back()).append("\"}");
    out.push_back('}');
}

void append_parameters(std::string &out, const Route &route) {
    out.append("[");
    auto path = path_of(route.pattern);
    for (auto at = path.find('{'); at != std::string::npos; at = path.find('{', at + 1)) {
        if (out.back() == '}')
            out.push_back(',');
        json::ObjectWriter writer(out);
        writer.member("name", std::string_view(path).substr(at + 1, path.find('}', at) - at - 1));
        writer.member("in", "path").member("required", true).raw("schema", R"({"type":"string"})");
        writer.close();
    }
    for (const auto &parameter : route.parameters) {
        if (out.back() == '}')
            out.push_back(',');
        json::ObjectWriter writer(out);
        writer.member("name", parameter.name)
            .member("in", "query")
            .member("description", parameter.description);
        if (parameter.type == "json")
            writer.raw("content", R"({"application/json":{"schema":{}}})");
        else
            writer.raw("schema", std::string(R"({"type":")").append(parameter.type).append("\"}"));
        writer.close();
    }
    out.append("]");
}

void append_request_body(json::ObjectWriter &operation, std::string_view takes) {
    std::string content = R"({"content":{)";
    for (auto body : split(takes, ", "))
        append_media(content, split(body, " "));
    operation.raw("requestBody", content.append("}}"));
}

// Answers of one status are one response with several media types.
void append_responses(json::ObjectWriter &operation, std::string_view answers) {
    std::map<std::string_view, std::string> contents;
    for (auto answer : split(answers, ", ")) {
        auto parts = split(answer, " ");
        auto &content = contents[parts.front()];
        parts.erase(parts.begin());
        if (content.empty())
            content.push_back('{');
        if (!parts.empty())
            append_media(content, parts);
    }
    std::string text;
    json::ObjectWriter responses(text);
    for (auto &[status, content] : contents) {
        int number = 0;
        std::from_chars(status.data(), status.data() + status.size(), number);
        responses.key(status);
        json::ObjectWriter response(text);
        response.member("description", net::status_text(number));
        if (content != "{")
            response.raw("content", content.append("}"));
        response.close();
    }
    responses.raw("default", R"({"$ref":"#/components/responses/Error"})");
    responses.close();
    operation.raw("responses", text);
}

void append_operation(std::string &out, const Route &route) {
    const auto *shape = find_shape(route.method, route.pattern);
    json::ObjectWriter operation(out);
    operation.member("operationId", std::string_view(operation_id(route)));
    operation.member("summary", route.summary);
    operation.member("x-permission", access::permission_name(route.permission));
    if (route.permission == access::Permission::everybody)
        operation.raw("security", "[]");
    operation.key("parameters");
    append_parameters(out, route);
    if (shape != nullptr && !shape->takes.empty())
        append_request_body(operation, shape->takes);
    append_responses(operation, shape == nullptr ? std::string_view() : shape->answers);
    operation.close();
}

void append_components(json::ObjectWriter &root) {
    root.raw("security", R"([{"basic":[]},{"cookie":[]}])");
    std::string text;
    json::ObjectWriter components(text);
    components.raw(
        "securitySchemes",
        R"({"basic":{"type":"http","scheme":"basic"},"cookie":{"type":"apiKey","in":"cookie","name":"AuthSession"}})");
    components.raw(
        "responses",
        R"({"Error":{"description":"As CouchDB 3.5 answers it.","content":{"application/json":{"schema":{"$ref":"#/components/schemas/Error"}}}}})");
    std::string schemas(openapi_schemas());
    std::erase(schemas, '\n');
    components.raw("schemas", schemas);
    components.close();
    root.raw("components", text);
}

} // namespace

std::string openapi_text() {
    auto routes = all_routes();
    std::map<std::string, Operations> paths;
    for (const auto &route : routes)
        if (is_described(route))
            paths[path_of(route.pattern)].push_back(&route);
    std::string out;
    json::ObjectWriter root(out);
    root.member("openapi", "3.1.0");
    root.raw(
        "info",
        R"({"title":"Divan","version":"0.1.0","description":"The CouchDB 3.5 HTTP API, as Divan serves it. HEAD works wherever GET does. COPY is described as x-copy. The last parameter of a path may hold slashes if it names a document or an attachment.","license":{"name":"Apache-2.0","identifier":"Apache-2.0"}})");
    append_components(root);
    root.key("paths");
    json::ObjectWriter all(out);
    for (const auto &[path, operations] : paths) {
        all.key(path);
        json::ObjectWriter item(out);
        for (const auto *route : operations) {
            // OpenAPI knows no COPY.
            item.key(route->method == "COPY" ? "x-copy" : lower(route->method));
            append_operation(out, *route);
        }
        item.close();
    }
    all.close();
    root.close();
    return out;
}

} // namespace divan::api
