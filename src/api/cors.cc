#include "api/cors.h"

#include "config/config.h"

#include <algorithm>
#include <fmt/format.h>

namespace divan::api {
namespace {

constexpr std::string_view kMethods =
    "GET, POST, PUT, DELETE, TRACE, CONNECT, COPY, OPTIONS, HEAD, LOCK, MKCOL, MOVE, PATCH, PROPFIND";
constexpr std::string_view kDefaultMethods = "CONNECT, COPY, DELETE, GET, HEAD, OPTIONS, POST, PUT, TRACE";
// chttpd_cors: SUPPORTED_HEADERS
constexpr std::string_view kHeaders[] = {"accept",
                                         "accept-language",
                                         "authorization",
                                         "content-length",
                                         "content-range",
                                         "content-type",
                                         "destination",
                                         "expires",
                                         "if-match",
                                         "last-modified",
                                         "origin",
                                         "pragma",
                                         "x-couch-full-commit",
                                         "x-couch-id",
                                         "x-couch-persist",
                                         "x-couchdb-www-authenticate",
                                         "x-http-method-override",
                                         "x-requested-with",
                                         "x-couchdb-vhost-path"};
constexpr std::string_view kExposed =
    "content-type, cache-control, accept-ranges, etag, server, x-couch-request-id, "
    "x-couch-update-newrev, x-couchdb-body-time";

std::string lower(std::string_view text) {
    std::string out(text);
    std::transform(out.begin(), out.end(), out.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    return out;
}

std::vector<std::string> split_list(std::string_view text) {
    std::vector<std::string> parts;
    while (!text.empty()) {
        auto comma = text.find(',');
        auto part = text.substr(0, comma);
        text.remove_prefix(comma == std::string_view::npos ? text.size() : comma + 1);
        auto begin = part.find_first_not_of(" \t");
        if (begin != std::string_view::npos)
            parts.push_back(lower(part.substr(begin, part.find_last_not_of(" \t") - begin + 1)));
    }
    return parts;
}

bool contains(const std::vector<std::string> &list, std::string_view text) {
    return std::find(list.begin(), list.end(), text) != list.end();
}

// The answer to a preflight; nullopt if something that it asks for is not allowed: then it is answered as
// any other OPTIONS, as chttpd_cors does.
std::optional<net::ResponseHead> preflight(const Call &call, std::string_view wanted_method) {
    const auto &config = call.services().config;
    auto configured_methods = config.list("cors", "methods");
    auto methods = configured_methods.empty() ? std::string(kDefaultMethods)
                                              : fmt::format("{}", fmt::join(configured_methods, ", "));
    if (!contains(split_list(methods), lower(wanted_method)) ||
        kMethods.find(wanted_method) == std::string_view::npos)
        return std::nullopt;
    auto configured_headers = split_list(config.text("cors", "headers"));
    auto asked = split_list(call.header("Access-Control-Request-Headers").value_or(""));
    for (const auto &name : asked)
        if (std::find(std::begin(kHeaders), std::end(kHeaders), name) == std::end(kHeaders) &&
            !contains(configured_headers, name))
            return std::nullopt;
    net::ResponseHead head;
    head.status = 204;
    head.headers.add("Access-Control-Max-Age", std::to_string(config.integer("cors", "max_age")));
    head.headers.add("Access-Control-Allow-Methods", methods);
    head.headers.add("Access-Control-Allow-Headers", fmt::format("{}", fmt::join(asked, ", ")));
    return head;
}

} // namespace

std::optional<net::ResponseHead> apply_cors(Call &call) {
    auto origin = call.header("Origin");
    const auto &config = call.services().config;
    if (!origin || !config.boolean("chttpd", "enable_cors"))
        return std::nullopt;
    auto origins = config.list("cors", "origins");
    if (!contains(origins, "*") && !contains(origins, *origin))
        return std::nullopt;
    call.common_headers.add("Access-Control-Allow-Origin", std::string(*origin));
    if (config.boolean("cors", "credentials"))
        call.common_headers.add("Access-Control-Allow-Credentials", "true");
    call.common_headers.add("Vary", "Origin");
    auto wanted_method = call.header("Access-Control-Request-Method");
    if (call.head().method == "OPTIONS" && wanted_method)
        if (auto head = preflight(call, *wanted_method))
            return head;
    call.common_headers.add("Access-Control-Expose-Headers", std::string(kExposed));
    return std::nullopt;
}

} // namespace divan::api
