#include "api/openapi.h"

#include "api/dispatcher.h"
#include "json/writer.h"

#include <algorithm>
#include <map>

namespace divan::api {
namespace {

std::string lower(std::string_view text) {
    std::string out(text);
    std::transform(out.begin(), out.end(), out.begin(), [](char c) { return static_cast<char>(c + 32); });
    return out;
}

// "{name...}" is "{name}" in OpenAPI.
std::string path_of(std::string_view pattern) {
    std::string path(pattern);
    if (auto dots = path.find("...}"); dots != std::string::npos)
        path.erase(dots, 3);
    return path;
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
        bool json_type = parameter.type == "json";
        writer.raw("schema",
                   std::string(R"({"type":")").append(json_type ? "string" : parameter.type).append("\"}"));
        writer.close();
    }
    out.append("]");
}

void append_operation(std::string &out, const Route &route) {
    json::ObjectWriter operation(out);
    operation.member("summary", route.summary);
    operation.member("x-permission", access::permission_name(route.permission));
    operation.key("parameters");
    append_parameters(out, route);
    operation.raw(
        "responses",
        R"({"default":{"description":"As CouchDB 3.5; errors have the members error and reason."}})");
    operation.close();
}

} // namespace

std::string openapi_text() {
    auto routes = all_routes();
    std::map<std::string, std::vector<const Route *>> paths;
    for (const auto &route : routes)
        if (route.method != kAnyMethod) // which is there to refuse
            paths[path_of(route.pattern)].push_back(&route);
    std::string out;
    json::ObjectWriter root(out);
    root.member("openapi", "3.1.0");
    root.raw(
        "info",
        R"({"title":"Divan","version":"0.1.0","description":"The CouchDB 3.5 HTTP API, as Divan serves it. HEAD works wherever GET does. COPY is described as x-copy."})");
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
