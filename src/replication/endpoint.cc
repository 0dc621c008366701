#include "replication/endpoint.h"

#include "base/encoding.h"
#include "config/config.h"
#include "db/store.h"
#include "net/loopback.h"

#include <algorithm>
#include <charconv>
#include <fmt/format.h>

namespace divan::replication {
namespace {

constexpr std::size_t kUrlBytesMax = 8'192;

// "scheme://user:password@host:port/path", taken apart.
struct Url {
    std::string scheme; // lower case
    std::string user;   // decoded
    std::string password;
    bool has_credentials = false;
    std::string host; // lower case, without brackets
    std::uint16_t port = 0;
    std::string path; // encoded, without slashes at its end
};

char to_lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

std::string lower(std::string_view text) {
    std::string out(text);
    std::transform(out.begin(), out.end(), out.begin(), to_lower);
    return out;
}

std::string decoded(std::string_view text) {
    return percent_decode(text, false).value_or(std::string(text));
}

bool is_visible(char c) {
    return static_cast<unsigned char>(c) > 0x20 && static_cast<unsigned char>(c) != 0x7f;
}

// What a request line cannot hold is encoded; what is encoded stays.
std::string encoded_path(std::string_view path) {
    std::string out;
    for (char c : path) {
        if (is_visible(c) && static_cast<unsigned char>(c) < 0x80)
            out.push_back(c);
        else
            out.append(percent_encode(std::string_view(&c, 1)));
    }
    while (out.ends_with('/'))
        out.pop_back();
    return out;
}

bool is_host(std::string_view host, bool bracketed) {
    return !host.empty() && std::all_of(host.begin(), host.end(), [&](char c) {
        return is_visible(c) && std::string_view("/\\?#@[]<>\"").find(c) == std::string_view::npos &&
               (bracketed || c != ':');
    });
}

// "host:port", "[::1]:port"
bool read_host(std::string_view text, Url &url) {
    std::string_view port;
    bool bracketed = text.starts_with('[');
    if (bracketed) {
        auto end = text.find(']');
        if (end == std::string_view::npos)
            return false;
        url.host = lower(text.substr(1, end - 1));
        port = text.substr(end + 1);
    } else {
        auto colon = std::min(text.find(':'), text.size());
        url.host = lower(text.substr(0, colon));
        port = text.substr(colon);
    }
    if (!is_host(url.host, bracketed) || (!port.empty() && !port.starts_with(':')))
        return false;
    url.port = url.scheme == "https" ? 443 : 80;
    if (port.size() > 1) {
        auto [end, error] = std::from_chars(port.data() + 1, port.data() + port.size(), url.port);
        return error == std::errc() && end == port.data() + port.size() && url.port > 0;
    }
    return true;
}

std::optional<Url> read_url(std::string_view text) {
    Url url;
    auto colon = text.find("://");
    if (colon == std::string_view::npos || text.size() > kUrlBytesMax)
        return std::nullopt;
    url.scheme = lower(text.substr(0, colon));
    text.remove_prefix(colon + 3);
    auto slash = std::min(text.find_first_of("/?#"), text.size());
    auto authority = text.substr(0, slash);
    auto path = text.substr(slash);
    // A query is no part of the name of a database.
    if (path.find_first_of("?#") != std::string_view::npos)
        return std::nullopt;
    if (auto at = authority.rfind('@'); at != std::string_view::npos) {
        auto pair = authority.substr(0, at);
        auto middle = std::min(pair.find(':'), pair.size());
        url.user = decoded(pair.substr(0, middle));
        if (middle < pair.size())
            url.password = decoded(pair.substr(middle + 1));
        url.has_credentials = !url.user.empty();
        authority.remove_prefix(at + 1);
    }
    if (!read_host(authority, url))
        return std::nullopt;
    url.path = encoded_path(path);
    return url;
}

std::string authority(std::string_view host, std::uint16_t port, std::uint16_t default_port) {
    auto text = host.find(':') == std::string_view::npos ? std::string(host) : fmt::format("[{}]", host);
    return port == default_port ? text : fmt::format("{}:{}", text, port);
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
    return std::find(std::begin(kOwn), std::end(kOwn), lower(name)) != std::end(kOwn);
}

bool read_basic(std::string_view value, Endpoint &endpoint) {
    if (!lower(value.substr(0, 6)).starts_with("basic "))
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
        if (lower(name) == "authorization") {
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
    endpoint.database = decoded(text);
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
    options.key_password = config.text("replicator", "password");
    options.chain_depth_max = static_cast<int>(config.integer("replicator", "ssl_certificate_max_depth"));
    return options;
}

Result<Endpoint> remote_endpoint(std::string_view text, const std::optional<net::Proxy> &proxy,
                                 const config::Config &config) {
    auto url = read_url(text);
    if (!url || (url->scheme != "http" && url->scheme != "https"))
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
    auto url = value->is_string() ? read_url(value->string()) : std::nullopt;
    if (!url)
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
    return proxy ? "http://" + authority(proxy->host, proxy->port, 80) : std::string();
}

std::string Endpoint::shown() const {
    if (local())
        return database;
    return fmt::format("{}://{}{}/", destination.tls ? "https" : "http",
                       authority(destination.host, destination.port, destination.tls ? 443 : 80), path);
}

bool Endpoint::clear_text() const {
    return !local() && !destination.tls && !net::is_loopback(destination.host);
}

} // namespace divan::replication
