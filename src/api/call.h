#pragma once

// One authorised request, as route handlers get it.

#include "access/gate.h"
#include "access/principal.h"
#include "api/rewritten_exchange.h"
#include "api/services.h"
#include "db/database.h"
#include "net/http.h"
#include "net/spooled_text.h"
#include "net/url.h"
#include "json/parser.h"

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace divan::api {

[[nodiscard]] json::ParseOptions json_options(const config::Config &config,
                                              std::size_t raw_depth = json::ParseOptions().raw_depth);

// Lives in the dispatcher's coroutine for as long as the handler runs. Used on the connection's
// executor only; engine work goes through on_engine().
class Call {
  public:
    Call(net::Exchange &exchange, const Services &services)
        : exchange_(exchange), services_(services), started_at_(services.clock.monotonic()) {}

    [[nodiscard]] net::Exchange &exchange() { return exchange_; }
    [[nodiscard]] const net::RequestHead &head() const { return exchange_.head(); }
    [[nodiscard]] net::Response &response() { return exchange_.response(); }
    [[nodiscard]] const Services &services() const { return services_; }

    // "GET" for a HEAD; the method override is applied.
    std::string method;
    access::Principal principal;
    // What the request needed of its database.
    access::Permission permission = access::Permission::database_reader;
    net::Query query;
    // Decoded values of the pattern's {parameters}, in its order: "db", "docid", ...
    std::vector<std::pair<std::string, std::string>> path_parameters;
    // The database of routes that begin with {db}; opened by the gate, otherwise null.
    std::shared_ptr<db::Database> database;
    std::string request_id;
    // Why it is refused is in the audit log already.
    bool refusal_noted = false;
    // Fields that every response of this call carries (CORS, a renewed cookie, ...).
    net::Headers common_headers;
    // Set by a handler instead of answering: the dispatcher serves this request, for the same principal.
    std::optional<RewrittenRequest> rewritten;
    std::int64_t rewrites = 0; // that led here

    // Null: the route's pattern does not have it.
    [[nodiscard]] const std::string *find_path_parameter(std::string_view name) const;
    // REQUIRES: the route's pattern has it.
    [[nodiscard]] const std::string &path_parameter(std::string_view name) const;
    [[nodiscard]] std::optional<std::string_view> header(std::string_view name) const {
        return head().headers.find(name);
    }
    [[nodiscard]] std::chrono::nanoseconds started_at() const { return started_at_; }
    // "http://host:port", as the client addressed this server; for Location.
    [[nodiscard]] std::string base_url() const;

    // Runs blocking work on the engine pool and goes on here with its value.
    template <typename Work> auto on_engine(Work work) {
        return run_on(services_.engine_pool, exchange_.executor(), std::move(work));
    }

    // The request's body, inflated if it is gzip-encoded (415 bad_ctype for other encodings), at most
    // max_http_request_size, and inflated_body_bytes_max if it was inflated. Errors: too_large, bad_encoding,
    // ...
    Task<Result<std::string>> read_body();
    // The same with a limit of the route's own.
    Task<Result<std::string>> read_body(std::size_t bytes_max);
    // As read_body(), for what may be large: beyond [divan] spool_bytes_min it lies in a file.
    Task<Result<std::unique_ptr<net::SpooledText>>> read_text();
    // read_body() parsed. `raw_depth`: json::ParseOptions. Errors: bad_request "invalid UTF-8 JSON".
    Task<Result<json::Value>> read_json(std::size_t raw_depth = static_cast<std::size_t>(-1));
    // How this server parses JSON: the limit of depth is a setting.
    [[nodiscard]] json::ParseOptions
    json_options(std::size_t raw_depth = json::ParseOptions().raw_depth) const {
        return api::json_options(services_.config, raw_depth);
    }
    // Errors: bad_content_type unless the request's content type is application/json.
    [[nodiscard]] Result<void> require_json_content_type() const;

    // A whole JSON answer: text + "\n", Content-Type: application/json, the common headers.
    Task<Result<void>> send_json(int status, std::string text, net::Headers extra = {});
    Task<Result<void>> send_json(int status, const json::Value &value, net::Headers extra = {});
    Task<Result<void>> send_ok(int status, net::Headers extra = {}); // {"ok":true}
    Task<Result<void>> send_error(const Error &error);
    // Anything else; adds the common headers.
    Task<Result<void>> send(net::ResponseHead head, std::string body);
    // Begins a stream with the common headers; go on with response().write() and finish().
    Task<Result<void>> start(net::ResponseHead head, std::optional<std::uint64_t> length = {});
    // Begins a stream of JSON.
    Task<Result<void>> start_json(net::Headers extra = {});

  private:
    Task<Result<std::unique_ptr<net::SpooledText>>> read_into(std::string spool_directory,
                                                              std::size_t bytes_max);
    void add_common_headers(net::Headers &headers) const;

    net::Exchange &exchange_;
    const Services &services_;
    std::chrono::nanoseconds started_at_;
};

} // namespace divan::api
