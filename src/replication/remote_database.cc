#include "replication/remote_database.h"

#include "config/config.h"
#include "net/absolute_url.h"
#include "net/gzip.h"
#include "net/loopback.h"
#include "replication/document_retry.h"
#include "telemetry/metrics.h"
#include "json/parser.h"
#include "json/writer.h"

#include <algorithm>
#include <charconv>
#include <fmt/format.h>

namespace divan::replication {

using telemetry::Metric;

namespace {

constexpr std::size_t kCompressedBytesMin = 1'024;
constexpr std::size_t kSessionBytesMax = 1 << 20;

Millis retry_after(const net::Headers &headers) {
    auto text = headers.find("Retry-After").value_or("");
    std::int64_t seconds = 0;
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
    return error == std::errc() && seconds > 0 ? Millis(std::min<std::int64_t>(seconds, 3'600) * 1'000)
                                               : Millis(0);
}

bool helps_to_retry(int status) {
    return status == 408 || (status >= 500 && status != 501 && status != 507);
}

Error too_many_requests(const Endpoint &endpoint) {
    return {ErrorCode::service_unavailable, std::string(kTooManyRequests),
            fmt::format("{} answers 429: it is asked too often.", endpoint.shown())};
}

} // namespace

RemoteDatabase::RemoteDatabase(PeerContext context, const Endpoint &endpoint)
    : context_(context), endpoint_(endpoint),
      pace_(context.context.throttle.pace(
          fmt::format("{}:{}", endpoint.destination.host, endpoint.destination.port))),
      connections_(context.context.loop,
                   std::max<std::size_t>(1, context.replication.tuning.http_connections)),
      use_cookie_(endpoint.use_session && !endpoint.user.empty() && endpoint.bearer.empty()) {
    if (!net::is_loopback(endpoint.destination.host))
        compression_level_ =
            static_cast<int>(context.context.config.integer("replicator", "compression_level"));
}

bool RemoteDatabase::compresses() const {
    return divan_ && compression_level_ > 0;
}

void RemoteDatabase::authorize(net::Headers &headers) const {
    for (const auto &[name, value] : endpoint_.headers)
        headers.set(name, value);
    if (!endpoint_.bearer.empty())
        headers.set("Authorization", "Bearer " + endpoint_.bearer);
    else if (!cookie_.empty())
        headers.set("Cookie", "AuthSession=" + cookie_);
    else if (!endpoint_.user.empty())
        headers.set("Authorization", net::basic_credentials(endpoint_.user, endpoint_.password));
}

Task<Result<std::string>> RemoteDatabase::next_piece(const RemoteRequest &request) {
    auto bytes = co_await request.stream();
    if (!bytes.ok())
        co_return bytes;
    context_.count_out(bytes->size());
    auto booked = co_await book(bytes->size());
    if (!booked.ok())
        co_return booked.error();
    co_return bytes;
}

net::OutgoingRequest RemoteDatabase::outgoing(const RemoteRequest &request) {
    net::OutgoingRequest out;
    out.method = request.method;
    out.target = endpoint_.path + request.path + (request.query.empty() ? "" : "?" + request.query);
    out.headers.add("Accept", "application/json");
    out.headers.add("User-Agent", "Divan-Replicator");
    if (compression_level_ > 0)
        out.headers.add("Accept-Encoding", "gzip");
    authorize(out.headers);
    if (!request.body.empty())
        out.headers.set("Content-Type", "application/json");
    for (const auto &[name, value] : request.headers)
        out.headers.set(name, value);
    out.body = request.body;
    if (request.stream) {
        out.stream_length = request.stream_length;
        out.expects_continue = true;
        out.stream = [this, &request] { return next_piece(request); };
    } else if (compresses() && out.body.size() >= kCompressedBytesMin) {
        net::GzipWriter gzip(compression_level_);
        auto compressed = gzip.write(out.body);
        compressed.append(gzip.finish());
        out.body = std::move(compressed);
        out.headers.set("Content-Encoding", "gzip");
    }
    out.connect_timeout = out.idle_timeout = context_.replication.tuning.connection_timeout;
    return out;
}

Task<Result<void>> RemoteDatabase::book(std::uint64_t bytes) {
    auto pause = std::max(context_.budget->book(bytes), context_.context.throttle.budget().book(bytes));
    if (pause <= Millis(0))
        co_return Result<void>();
    context_.progress.waited[static_cast<std::size_t>(Stage::throttled)] += pause;
    co_return co_await pause_for(context_.context.loop, pause, context_.cancellation);
}

Task<Result<void>> RemoteDatabase::wait_for_turn() {
    auto pause = pace_->pause();
    if (pause <= Millis(0))
        co_return Result<void>();
    context_.progress.waited[static_cast<std::size_t>(Stage::throttled)] += pause;
    co_return co_await pause_for(context_.context.loop, pause, context_.cancellation);
}

// The cookie of a session, also a renewed one; and what kind of server it is.
void RemoteDatabase::learn(const net::IncomingResponse &response) {
    if (auto server = response.headers().find("Server")) {
        divan_ = server->find("Divan") != std::string_view::npos;
        takes_gzip_ = divan_ || server->starts_with("CouchDB");
    }
    if (!use_cookie_)
        return;
    for (const auto &[name, value] : response.headers()) {
        constexpr std::string_view kCookie = "AuthSession=";
        if (!net::equal_without_case(name, "Set-Cookie") || !value.starts_with(kCookie))
            continue;
        auto text = std::string_view(value).substr(kCookie.size());
        cookie_ = text.substr(0, text.find(';'));
    }
}

net::OutgoingRequest RemoteDatabase::session_request() const {
    auto slash = endpoint_.path.rfind('/');
    net::OutgoingRequest request;
    request.target = endpoint_.path.substr(0, slash) + "/_session";
    request.headers.add("Accept", "application/json");
    request.connect_timeout = request.idle_timeout = context_.replication.tuning.connection_timeout;
    return request;
}

Task<Result<bool>> RemoteDatabase::signed_in() {
    auto request = session_request();
    authorize(request.headers);
    auto response =
        co_await context_.context.http.send(endpoint_.destination, std::move(request), context_.cancellation);
    if (!response.ok())
        co_return response.error();
    auto text = co_await (*response)->read_all(kSessionBytesMax);
    if (!text.ok())
        co_return text.error();
    auto answer = json::parse(*text);
    const auto *user = answer.ok() && answer->is_object() ? answer->object().find("userCtx") : nullptr;
    const auto *name = user != nullptr && user->is_object() ? user->object().find("name") : nullptr;
    co_return name != nullptr && name->is_string();
}

// Asks for a cookie; a server that has no sessions gets the password with each request instead.
Task<Result<void>> RemoteDatabase::sign_in() {
    cookie_.clear();
    auto request = session_request();
    request.method = "POST";
    request.headers.add("Content-Type", "application/json");
    for (const auto &[name, value] : endpoint_.headers)
        request.headers.set(name, value);
    json::ObjectWriter writer(request.body);
    writer.member("name", std::string_view(endpoint_.user));
    writer.member("password", std::string_view(endpoint_.password));
    writer.close();
    auto response =
        co_await context_.context.http.send(endpoint_.destination, std::move(request), context_.cancellation);
    if (!response.ok())
        co_return response.error();
    if ((*response)->status() == 200)
        learn(**response);
    // Wrong passwords are told by the request itself.
    if (cookie_.empty())
        use_cookie_ = false;
    co_return Result<void>();
}

Task<Result<std::unique_ptr<RemoteAnswer>>> RemoteDatabase::send_once(const RemoteRequest &request,
                                                                      std::string &cookie) {
    bool permit = !request.own_connection;
    if (permit)
        co_await connections_.acquire();
    auto response = co_await send_in_turn(request, cookie);
    if (!response.ok()) {
        if (permit)
            connections_.release();
        co_return response.error();
    }
    learn(**response);
    co_return std::make_unique<RemoteAnswer>(*this, std::move(*response), permit);
}

Task<Result<std::unique_ptr<net::IncomingResponse>>>
RemoteDatabase::send_in_turn(const RemoteRequest &request, std::string &cookie) {
    auto turn = co_await wait_for_turn();
    if (turn.ok() && use_cookie_ && cookie_.empty())
        turn = co_await sign_in();
    if (!turn.ok())
        co_return turn.error();
    cookie = cookie_;
    auto out = outgoing(request);
    auto body_bytes = out.body.size();
    auto booked = co_await book(body_bytes);
    if (!booked.ok())
        co_return booked.error();
    context_.count_out(body_bytes);
    auto &metrics = context_.context.metrics;
    metrics.count(Metric::replicator_requests);
    auto &cancellation = request.cancellation != nullptr ? *request.cancellation : context_.cancellation;
    auto response = co_await context_.context.http.send(endpoint_.destination, std::move(out), cancellation);
    bool success = response.ok() && (*response)->status() < 400;
    metrics.count(success ? Metric::replicator_responses_success : Metric::replicator_responses_failure);
    co_return response;
}

void RemoteDatabase::forget_session(const std::string &cookie) {
    if (cookie_ == cookie)
        cookie_.clear();
}

Task<Result<bool>> RemoteDatabase::wait_to_retry(std::uint64_t number, const Error &why) {
    auto side = &endpoint_ == &context_.replication.source ? Cause::source : Cause::target;
    auto again = co_await replication::wait_to_retry(context_, number, side, why);
    co_return again;
}

Task<Result<std::unique_ptr<RemoteAnswer>>> RemoteDatabase::send(RemoteRequest request) {
    std::uint64_t attempts = 0;
    std::uint64_t refusals = 0;
    bool signed_in_again = false;
    // Of this request: another one may have found the session ended, and signed in again, meanwhile.
    std::string cookie;
    for (;;) {
        auto answer = co_await send_once(request, cookie);
        std::optional<Error> failed;
        if (!answer.ok()) {
            auto code = answer.error().code();
            if (code != ErrorCode::service_unavailable && code != ErrorCode::request_timeout)
                co_return answer.error();
            failed = answer.error();
        } else {
            auto status = (*answer)->status();
            if (status == 429) {
                pace_->refused(retry_after((*answer)->headers()));
                ++context_.progress.throttled_requests;
                context_.context.metrics.count(Metric::replicator_throttled);
                if (!request.repeats())
                    co_return too_many_requests(endpoint_);
                if (++refusals <= kRefusalsMax)
                    continue; // the answer goes, and the next one waits for its turn
            } else {
                pace_->answered();
            }
            // A session may have ended; a new one shows whether the password is still right.
            if ((status == 401 || status == 403) && !cookie.empty() && !signed_in_again &&
                request.repeats()) {
                signed_in_again = true;
                forget_session(cookie);
                continue;
            }
            // What cannot be repeated here must not be taken for refused because the session has ended.
            if ((status == 401 || status == 403) && !cookie.empty() && !request.repeats()) {
                bool renewed = cookie_ != cookie;
                auto good = co_await signed_in();
                if (good.ok() && *good && !renewed)
                    co_return answer;
                forget_session(cookie);
                co_return Error(ErrorCode::service_unavailable,
                                fmt::format("The session at {} has ended.", endpoint_.shown()));
            }
            if (status != 429 && !helps_to_retry(status))
                co_return answer;
            failed = co_await (*answer)->error();
        }
        if (!request.repeats())
            co_return *failed;
        auto again = co_await wait_to_retry(++attempts, *failed);
        if (!again.ok())
            co_return again.error();
        if (!*again)
            co_return *failed;
    }
}

Task<Result<json::Value>> RemoteDatabase::ask(RemoteRequest request) {
    std::uint64_t attempts = 0;
    for (;;) {
        auto answer = co_await send(request);
        if (!answer.ok())
            co_return answer.error();
        if ((*answer)->status() >= 400) {
            auto error = co_await (*answer)->error();
            co_return error;
        }
        auto value = co_await (*answer)->json();
        if (value.ok())
            co_return value;
        // Cut off on the way.
        answer = Error(ErrorCode::cancelled);
        auto again = co_await wait_to_retry(++attempts, value.error());
        if (!again.ok())
            co_return again.error();
        if (!*again)
            co_return value.error();
    }
}

} // namespace divan::replication
