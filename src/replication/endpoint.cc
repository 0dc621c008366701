#include "replication/endpoint.h"

#include "base/encoding.h"
#include "config/config.h"
#include "db/store.h"
#include "net/absolute_url.h"
#include "net/loopback.h"

#include <algorithm>
#include <fmt/format.h>

namespace divan::replication {
namespace {

bool is_visible(char c) {
    return static_cast<unsigned char>(c) > 0x20 && static_cast<unsigned char>(c) != 0x7f;
}

// ---- headers and credentials

bool is_header_name(std::string_view name) {
    return !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
               std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
    });
}

bool is_header_value(std::string_view value) {
    return std::all_of(value.begin(), value.end(), [](char c) {
        return c == '\t' || (static_cast<unsigned char>(c) >= 0x20 && static_cast<unsigned char>(c) != 0x7f);
    });
}

// What the client sets itself, and what belongs to one connection.
bool is_own_header(std::string_view name) {
    constexpr std::string_view kOwn[] = {
        "host",    "content-length", "transfer-encoding", "connection", "keep-alive", "upgrade", "te",
        "trailer", "expect",         "accept-encoding"};
    return std::any_of(std::begin(kOwn), std::end(kOwn),
                       [name](std::string_view own) { return net::equal_without_case(name, own); });
}

bool read_basic(std::string_view value, Endpoint &endpoint) {
    if (!net::equal_without_case(value.substr(0, 6), "basic "))
        return false;
    auto pair = base64_decode(value.substr(6));
    auto colon = pair ? pair->find(':') : std::string::npos;
    if (colon == std::string::npos)
        return true; // as in CouchDB: a malformed one is dropped
    endpoint.user = pair->substr(0, colon);
    endpoint.password = pair->substr(colon + 1);
    return true;
}

Result<void> read_headers(const json::Value &value, Endpoint &endpoint) {
    auto invalid = invalid_replication("`headers` of an endpoint must be an object of strings");
    if (!value.is_object())
        return invalid;
    std::vector<std::pair<std::string, std::string>> sorted;
    for (const auto &[name, text] : value.object()) {
        if (!is_header_name(name) || !text.is_string() || !is_header_value(text.string()))
            return invalid;
        if (!is_own_header(name))
            sorted.emplace_back(name, text.string());
    }
    std::sort(sorted.begin(), sorted.end());
    for (auto &[name, text] : sorted) {
        if (net::equal_without_case(name, "Authorization")) {
            endpoint.user.clear();
            endpoint.password.clear();
            if (read_basic(text, endpoint))
                continue;
        }
        endpoint.headers.add(std::move(name), std::move(text));
    }
    return {};
}

// {"basic": {"username", "password"}} or {"bearer": token}; others are for plugins of CouchDB.
Result<void> read_auth(const json::Value &value, Endpoint &endpoint) {
    if (!value.is_object())
        return invalid_replication("`auth` of an endpoint must be an object");
    if (const auto *bearer = value.object().find("bearer")) {
        if (!bearer->is_string() || bearer->string().empty() ||
            !std::all_of(bearer->string().begin(), bearer->string().end(), is_visible))
            return invalid_replication("`auth.bearer` of an endpoint must be a token");
        endpoint.user.clear();
        endpoint.password.clear();
        endpoint.bearer = bearer->string();
        endpoint.headers.erase("Authorization");
    }
    if (const auto *basic = value.object().find("basic")) {
        const auto *name = basic->is_object() ? basic->object().find("username") : nullptr;
        const auto *password = basic->is_object() ? basic->object().find("password") : nullptr;
        if (name == nullptr || password == nullptr || !name->is_string() || !password->is_string() ||
            name->string().find(':') != std::string::npos)
            return invalid_replication("`auth.basic` of an endpoint must have `username` and `password`");
        endpoint.user = name->string();
        endpoint.password = password->string();
        endpoint.bearer.clear();
        endpoint.headers.erase("Authorization");
    }
    return {};
}

// ---- the two kinds of ends

bool is_allowed(const config::Config &config, std::string_view setting, std::string_view scheme) {
    auto allowed = config.list("replicator", setting);
    return std::find(allowed.begin(), allowed.end(), scheme) != allowed.end();
}

Result<Endpoint> local_endpoint(std::string_view text) {
    Endpoint endpoint;
    endpoint.database = percent_decode(text, false).value_or(std::string(text));
    while (endpoint.database.ends_with('/'))
        endpoint.database.pop_back();
    if (!db::check_database_name(endpoint.database).ok())
        return invalid_replication("endpoint has an invalid url");
    return endpoint;
}

net::TlsOptions tls_options(const config::Config &config) {
    net::TlsOptions options;
    options.verify = config.boolean("replicator", "verify_ssl_certificates");
    options.ca_file = config.text("replicator", "ssl_trusted_certificates_file");
    options.certificate_file = config.text("replicator", "cert_file");
    options.key_file = config.text("replicator", "key_file");
    options.key_password = config.secret("replicator", "password");
    options.chain_depth_max = static_cast<int>(config.integer("replicator", "ssl_certificate_max_depth"));
    return options;
}

Result<Endpoint> remote_endpoint(std::string_view text, const std::optional<net::Proxy> &proxy,
                                 const config::Config &config) {
    auto url = net::AbsoluteUrl::parse(text);
    if (!url.ok() || (url->scheme != "http" && url->scheme != "https"))
        return invalid_replication("endpoint has an invalid url");
    if (!is_allowed(config, "valid_endpoint_protocols", url->scheme))
        return invalid_replication(fmt::format("endpoint has an invalid url: {} is not in [replicator] "
                                               "valid_endpoint_protocols",
                                               url->scheme));
    Endpoint endpoint;
    endpoint.destination.tls = url->scheme == "https";
    endpoint.destination.host = std::move(url->host);
    endpoint.destination.port = url->port;
    endpoint.destination.proxy = proxy;
    if (endpoint.destination.tls)
        endpoint.destination.tls_options = tls_options(config);
    endpoint.path = std::move(url->path);
    endpoint.user = std::move(url->user);
    endpoint.password = std::move(url->password);
    if (endpoint.clear_text() && config.boolean("replicator", "encrypted_replication"))
        return invalid_replication(
            fmt::format("{} is not encrypted, and [replicator] encrypted_replication asks for https://",
                        endpoint.shown()));
    return endpoint;
}

Result<Endpoint> read_place(std::string_view text, const std::optional<net::Proxy> &proxy,
                            const config::Config &config) {
    return text.find("://") == std::string_view::npos ? local_endpoint(text)
                                                      : remote_endpoint(text, proxy, config);
}

} // namespace

Error invalid_replication(std::string reason) {
    return Error(ErrorCode::bad_request, "invalid_replication", std::move(reason));
}

Result<Endpoint> read_endpoint(const json::Value *value, const std::optional<net::Proxy> &proxy,
                               const config::Config &config) {
    if (value == nullptr || value->is_null())
        return invalid_replication("Missing replicator database");
    if (value->is_string())
        return read_place(value->string(), proxy, config);
    const auto *url = value->is_object() ? value->object().find("url") : nullptr;
    if (url == nullptr || !url->is_string())
        return invalid_replication("endpoint has an invalid url");
    DIVAN_TRY(auto endpoint, read_place(url->string(), proxy, config));
    if (endpoint.local())
        return endpoint;
    if (const auto *headers = value->object().find("headers")) {
        DIVAN_TRY_VOID(read_headers(*headers, endpoint));
    }
    if (const auto *auth = value->object().find("auth")) {
        DIVAN_TRY_VOID(read_auth(*auth, endpoint));
    }
    if (const auto *verify = value->object().find("verify_ssl_certificates")) {
        if (!verify->is_boolean())
            return invalid_replication("`verify_ssl_certificates` of an endpoint must be a boolean");
        if (endpoint.destination.tls)
            endpoint.destination.tls_options.verify = verify->boolean();
    }
    return endpoint;
}

Result<std::optional<net::Proxy>> read_proxy(const json::Value *value, const config::Config &config) {
    if (value == nullptr || value->is_null() || (value->is_string() && value->string().empty()))
        return std::optional<net::Proxy>();
    auto url = net::AbsoluteUrl::parse(value->is_string() ? std::string_view(value->string()) : "");
    if (!url.ok())
        return invalid_replication("proxy has an invalid url");
    if (url->scheme != "http")
        return invalid_replication(fmt::format(
            "proxy has an invalid url: {} proxies are not supported, name an http:// one", url->scheme));
    if (!is_allowed(config, "valid_proxy_protocols", url->scheme))
        return invalid_replication("proxy has an invalid url: http is not in [replicator] "
                                   "valid_proxy_protocols");
    return std::optional(
        net::Proxy{std::move(url->host), url->port, std::move(url->user), std::move(url->password)});
}

std::string shown_proxy(const Endpoint &endpoint) {
    const auto &proxy = endpoint.destination.proxy;
    return proxy ? "http://" + net::authority(proxy->host, proxy->port, 80) : std::string();
}

std::string Endpoint::shown() const {
    if (local())
        return database;
    return fmt::format("{}://{}{}/", destination.tls ? "https" : "http",
                       net::authority(destination.host, destination.port, destination.tls ? 443 : 80), path);
}

bool Endpoint::clear_text() const {
    return !local() && !destination.tls && !net::is_loopback(destination.host);
}

} // namespace divan::replication
