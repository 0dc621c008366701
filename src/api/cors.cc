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

} // namespace

std::optional<net::ResponseHead> apply_cors(Call &call) {
    auto origin = call.header("Origin");
    const auto &config = call.services().config;
    if (!origin || !config.boolean("chttpd", "enable_cors"))
        return std::nullopt;
    auto origins = config.list("cors", "origins");
    bool any = std::find(origins.begin(), origins.end(), "*") != origins.end();
    if (!any && std::find(origins.begin(), origins.end(), *origin) == origins.end())
        return std::nullopt;
    bool credentials = config.boolean("cors", "credentials");
    std::string allow_origin(*origin);

    auto wanted = call.header("Access-Control-Request-Method");
    if (call.head().method == "OPTIONS" && wanted) {
        auto allowed_methods = config.list("cors", "methods");
        auto methods = allowed_methods.empty() ? std::string(kDefaultMethods)
                                               : fmt::format("{}", fmt::join(allowed_methods, ", "));
        net::ResponseHead head;
        head.status = 204;
        auto method_list = split_list(methods);
        if (std::find(method_list.begin(), method_list.end(), lower(*wanted)) == method_list.end() ||
            kMethods.find(*wanted) == std::string_view::npos)
            return std::nullopt;
        auto allowed = config.list("cors", "headers");
        auto asked = split_list(call.header("Access-Control-Request-Headers").value_or(""));
        for (const auto &name : asked) {
            bool known =
                std::find(std::begin(kHeaders), std::end(kHeaders), name) != std::end(kHeaders) ||
                std::any_of(allowed.begin(), allowed.end(), [&](const auto &a) { return lower(a) == name; });
            if (!known)
                return std::nullopt;
        }
        head.headers.add("Access-Control-Allow-Origin", allow_origin);
        if (credentials)
            head.headers.add("Access-Control-Allow-Credentials", "true");
        head.headers.add("Access-Control-Max-Age", std::to_string(config.integer("cors", "max_age")));
        head.headers.add("Access-Control-Allow-Methods", methods);
        head.headers.add("Access-Control-Allow-Headers", fmt::format("{}", fmt::join(asked, ", ")));
        head.headers.add("Vary", "Origin");
        return head;
    }
    call.common_headers.add("Access-Control-Allow-Origin", allow_origin);
    if (credentials)
        call.common_headers.add("Access-Control-Allow-Credentials", "true");
    call.common_headers.add("Access-Control-Expose-Headers", std::string(kExposed));
    call.common_headers.add("Vary", "Origin");
    return std::nullopt;
}

} // namespace divan::api
