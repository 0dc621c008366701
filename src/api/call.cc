#include "api/call.h"

#include "api/browser_headers.h"
#include "api/error_response.h"
#include "base/encoding.h"
#include "config/config.h"
#include "db/visibility.h"
#include "net/gzip.h"
#include "json/writer.h"

#include <algorithm>

namespace divan::api {
namespace {

// Read from the socket at once.
constexpr std::size_t kReadBytes = 256 << 10;
// Of what is inflated: a thousand times as much may come out.
constexpr std::size_t kGzipReadBytes = 16 << 10;

Error not_gzipped() {
    return {ErrorCode::bad_request, "Request body is not properly gzipped."};
}

} // namespace

const std::string *Call::find_path_parameter(std::string_view name) const {
    for (const auto &[key, value] : path_parameters)
        if (key == name)
            return &value;
    return nullptr;
}

const std::string &Call::path_parameter(std::string_view name) const {
    const auto *found = find_path_parameter(name);
    DIVAN_CHECK(found != nullptr);
    return *found;
}

std::string Call::base_url() const {
    auto host = header("Host").value_or("");
    return std::string(head().tls ? "https://" : "http://").append(host.empty() ? "localhost" : host);
}

json::ParseOptions json_options(const config::Config &config, std::size_t raw_depth) {
    json::ParseOptions options;
    options.depth_max = static_cast<std::size_t>(config.integer("divan", "json_depth_max"));
    options.raw_depth = raw_depth;
    return options;
}

Task<Result<std::string>> Call::read_body() {
    co_return co_await read_body(
        static_cast<std::size_t>(services_.config.integer("chttpd", "max_http_request_size")));
}

Task<Result<std::string>> Call::read_body(std::size_t bytes_max) {
    auto text = co_await read_into(std::string(), bytes_max);
    if (!text.ok())
        co_return text.error();
    co_return (*text)->take();
}

Task<Result<std::unique_ptr<net::SpooledText>>> Call::read_text() {
    co_return co_await read_into(services_.spool_directory, static_cast<std::size_t>(services_.config.integer(
                                                                "chttpd", "max_http_request_size")));
}

Task<Result<std::unique_ptr<net::SpooledText>>> Call::read_into(std::string spool_directory,
                                                                std::size_t bytes_max) {
    auto encoding = header("Content-Encoding").value_or("identity");
    bool gzipped = net::equal_without_case(encoding, "gzip");
    if (!gzipped && !encoding.empty() && !net::equal_without_case(encoding, "identity"))
        co_return Error(ErrorCode::bad_encoding,
                        std::string(encoding) + " is not a supported content encoding.");
    auto length = exchange_.body().length();
    if (length && *length > bytes_max)
        co_return ErrorCode::too_large;
    // A few bytes of gzip can stand for gigabytes.
    if (gzipped)
        bytes_max =
            std::min(bytes_max,
                     static_cast<std::size_t>(services_.config.integer("divan", "inflated_body_bytes_max")));
    auto text = std::make_unique<net::SpooledText>(
        std::move(spool_directory),
        static_cast<std::size_t>(services_.config.integer("divan", "spool_bytes_min")));
    net::GzipReader inflater;
    for (;;) {
        auto bytes = co_await exchange_.body().read_some(gzipped ? kGzipReadBytes : kReadBytes);
        if (!bytes.ok())
            co_return bytes.error();
        if (bytes->empty())
            break;
        if (gzipped)
            bytes = inflater.read(*bytes, bytes_max - text->size());
        if (!bytes.ok())
            co_return bytes.error();
        if (inflater.surplus_bytes() > 0)
            co_return not_gzipped();
        if (bytes->size() > bytes_max - text->size())
            co_return ErrorCode::too_large;
        Result<void> appended;
        if (text->would_block(bytes->size()))
            appended = co_await on_engine([&] { return text->append(*bytes); });
        else
            appended = text->append(*bytes);
        if (!appended.ok())
            co_return appended.error();
    }
    if (gzipped && !inflater.finished())
        co_return not_gzipped();
    co_return std::move(text);
}

Task<Result<json::Value>> Call::read_json(std::size_t raw_depth) {
    auto body = co_await read_body();
    if (!body.ok())
        co_return body.error();
    co_return json::parse(*body, json_options(raw_depth));
}

Result<void> Call::require_json_content_type() const {
    auto type = header("Content-Type").value_or("");
    auto bare = type.substr(0, type.find(';'));
    while (!bare.empty() && bare.back() == ' ')
        bare.remove_suffix(1);
    if (!net::equal_without_case(bare, "application/json"))
        return ErrorCode::bad_content_type;
    return {};
}

void Call::add_common_headers(net::Headers &headers) const {
    headers.add("Server", std::string(kServerHeader));
    headers.add("Date", http_date(services_.clock.now()));
    headers.add("X-Couch-Request-ID", request_id);
    auto body_time = std::chrono::duration_cast<Millis>(services_.clock.monotonic() - started_at_).count();
    headers.add("X-CouchDB-Body-Time", std::to_string(body_time));
    if (!headers.contains("Cache-Control"))
        // What one user is shown is not for others.
        headers.add("Cache-Control", database && database->visibility() != nullptr
                                         ? "private, must-revalidate"
                                         : "must-revalidate");
    add_browser_headers(*this, headers);
    for (const auto &[name, value] : common_headers)
        headers.add(name, value);
    if (header("Prefer").value_or("") == "return=minimal")
        for (const char *name : {"X-Couch-Request-ID", "X-CouchDB-Body-Time"})
            headers.erase(name);
}

Task<Result<void>> Call::send(net::ResponseHead head, std::string body) {
    add_common_headers(head.headers);
    co_return co_await response().send(std::move(head), std::move(body));
}

Task<Result<void>> Call::start(net::ResponseHead head, std::optional<std::uint64_t> length) {
    add_common_headers(head.headers);
    co_return co_await response().start(std::move(head), length);
}

Task<Result<void>> Call::start_json(net::Headers extra) {
    net::ResponseHead head;
    head.headers = std::move(extra);
    if (!head.headers.contains("Content-Type"))
        head.headers.add("Content-Type", "application/json");
    co_return co_await start(std::move(head), std::nullopt);
}

Task<Result<void>> Call::send_json(int status, std::string text, net::Headers extra) {
    net::ResponseHead head;
    head.status = status;
    head.headers = std::move(extra);
    head.headers.add("Content-Type", "application/json");
    text.push_back('\n');
    co_return co_await send(std::move(head), std::move(text));
}

Task<Result<void>> Call::send_json(int status, const json::Value &value, net::Headers extra) {
    auto text = json::to_text(value);
    co_return co_await send_json(status, std::move(text), std::move(extra));
}

Task<Result<void>> Call::send_ok(int status, net::Headers extra) {
    co_return co_await send_json(status, std::string(R"({"ok":true})"), std::move(extra));
}

Task<Result<void>> Call::send_error(const Error &error) {
    net::Headers extra;
    if (error.code() == ErrorCode::unauthorized) {
        // A browser that asks for a page is sent to the login page.
        auto accept = header("Accept").value_or("");
        if (accept.find("text/html") != std::string_view::npos &&
            accept.find("json") == std::string_view::npos) {
            net::ResponseHead head;
            head.status = 302;
            head.headers.add("Location", base_url() + "/_utils/session.html?return=" +
                                             percent_encode(this->head().target) +
                                             "&reason=" + percent_encode(error.reason()));
            head.headers.add("Content-Type", "application/json");
            co_return co_await send(std::move(head), error_text(error) + "\n");
        }
    }
    auto text = error_text(error);
    co_return co_await send_json(error.status(), std::move(text), std::move(extra));
}

} // namespace divan::api
