#include "net/connection.h"

#include "net/connection_wait.h"

#include <algorithm>
#include <array>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/read.hpp>
#include <charconv>

namespace divan::net {
namespace {

namespace http = beast::http;
using boost::system::error_code;

// Unread request bytes that are skipped to keep a connection; beyond, it is closed.
constexpr std::uint64_t kDrainBytesMax = 64 << 10;
// While lingering: how much and how long the client may go on sending.
constexpr std::uint64_t kLingerBytesMax = 64 << 20;
constexpr Millis kLingerTime{5'000};
// What one record of TLS holds (RFC 8446, 5.1).
constexpr std::size_t kTlsRecordBytes = 16'384;

std::int64_t to_nanos(SteadyTime time) {
    return time.time_since_epoch().count();
}

// Waits for an Asio operation: co_await asio_wait<Args>([&](auto handler) { async_x(..., handler); })
struct Transferred {
    error_code error;
    std::size_t bytes = 0;
};

template <typename Start> auto transfer(Start start) {
    return suspend<Transferred>([start = std::move(start)](Resume<Transferred> resume) mutable {
        start([resume](error_code error, std::size_t bytes) { resume({error, bytes}); });
    });
}

Error body_error(const error_code &error, bool timed_out) {
    if (timed_out)
        return ErrorCode::request_timeout;
    if (error == http::error::body_limit)
        return ErrorCode::too_large;
    if (error == http::error::end_of_stream || error == http::error::partial_message ||
        error.category() != http::make_error_code(http::error::end_of_stream).category())
        return Error(ErrorCode::cancelled, "The client went away.");
    return Error(ErrorCode::bad_request, "The request's body is malformed.");
}

Error head_error(const error_code &error) {
    if (error == http::error::header_limit || error == http::error::buffer_overflow)
        return ErrorCode::header_too_large;
    if (error == http::error::body_limit)
        return ErrorCode::too_large;
    return Error(ErrorCode::bad_request, "The request is not valid HTTP: " + error.message() + ".");
}

// The characters of `uri-host [":" port]` (RFC 9110, 7.2); without any of them, too.
bool is_host(std::string_view text) {
    return std::all_of(text.begin(), text.end(), [](char c) {
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
               std::string_view("-._~%!$&'()*+,;=:[]").find(c) != std::string_view::npos;
    });
}

// What makes a head that can be read one that must not be served.
std::optional<Error> fault_of(const RequestHead &head, bool chunked, std::size_t target_bytes_max) {
    if (head.target.size() > target_bytes_max)
        return ErrorCode::too_long;
    // Two framings of one body are how requests are smuggled past a proxy (RFC 9112, 6.1).
    if (head.headers.contains("Transfer-Encoding") && (head.headers.contains("Content-Length") || !chunked))
        return Error(ErrorCode::bad_request, "The request's body has no clear length.");
    // Answers name it in Location: it must be one host and nothing more (RFC 9112, 3.2).
    auto hosts = std::count_if(head.headers.begin(), head.headers.end(),
                               [](const auto &field) { return equal_without_case(field.first, "Host"); });
    if (hosts > 1 || !is_host(head.headers.find("Host").value_or("")))
        return Error(ErrorCode::bad_request, "The field Host must be the name of one host.");
    return std::nullopt;
}

} // namespace

Connection::Connection(Socket socket, ServerContext &context, std::shared_ptr<const ServerTls> tls,
                       std::string remote_address)
    : stream_(std::move(socket), std::move(tls)), context_(context),
      remote_address_(std::move(remote_address)),
      buffer_(context.options.header_bytes_max + context.options.target_bytes_max + (64 << 10)) {}

void Connection::start(UniqueFunction<void()> done) {
    asio::post(stream_.get_executor(), [self = shared_from_this(), done = std::move(done)]() mutable {
        spawn(self->serve(), [self, done = std::move(done)]() mutable { done(); });
    });
}

void Connection::refuse(UniqueFunction<void()> done) {
    asio::post(stream_.get_executor(), [self = shared_from_this(), done = std::move(done)]() mutable {
        self->set_deadline(kLingerTime);
        spawn(
            self->send_error(Error(ErrorCode::service_unavailable, "Too many connections: try again later.")),
            [self, done = std::move(done)]() mutable {
                self->close_now();
                done();
            });
    });
}

void Connection::post(UniqueFunction<void()> work) {
    asio::post(stream_.get_executor(),
               [self = shared_from_this(), work = std::move(work)]() mutable { work(); });
}

void Connection::set_deadline(Millis after) {
    deadline_ = to_nanos(std::chrono::steady_clock::now() + after);
}

void Connection::check_deadline(SteadyTime now) {
    auto deadline = deadline_.load();
    if (deadline == 0 || to_nanos(now) < deadline)
        return;
    asio::post(stream_.get_executor(), [self = shared_from_this(), deadline] {
        if (self->deadline_ != deadline)
            return;
        self->clear_deadline();
        self->timed_out_ = true;
        error_code ignored;
        self->stream_.socket().cancel(ignored);
    });
}

void Connection::wake_to_stop() {
    asio::post(stream_.get_executor(), [self = shared_from_this()] {
        if (self->waiting_)
            self->waiting_->finish(Wake::closed);
        if (self->idle_) {
            error_code ignored;
            self->stream_.socket().cancel(ignored);
        }
    });
}

void Connection::close_now() {
    asio::post(stream_.get_executor(), [self = shared_from_this()] {
        error_code ignored;
        self->broken_ = true;
        self->stream_.socket().close(ignored);
        if (self->waiting_)
            self->waiting_->finish(Wake::closed);
    });
}

Task<void> Connection::serve() {
    bool ready = true;
    if (stream_.tls()) {
        ready = co_await handshake();
    }
    if (ready) {
        co_await serve_requests();
    }
    if (!broken_) {
        co_await end_output();
    }
    error_code ignored;
    stream_.socket().shutdown(asio::ip::tcp::socket::shutdown_both, ignored);
    stream_.socket().close(ignored);
}

Task<void> Connection::serve_requests() {
    for (;;) {
        auto outcome = co_await read_head();
        if (outcome != ReadOutcome::request)
            break;
        co_await context_.handler(*this);
        if (status_ == 0) {
            co_await send_error(ErrorCode::internal_server_error);
        }
        co_await end_request();
        if (broken_ || !keep_alive_ || context_.stopping)
            break;
    }
}

Task<bool> Connection::handshake() {
    if (context_.stopping)
        co_return false;
    set_deadline(context_.options.handshake_timeout);
    auto error = co_await suspend<error_code>([this](Resume<error_code> resume) {
        stream_.async_handshake([resume](error_code ended) { resume(ended); });
    });
    clear_deadline();
    if (!error) {
        tls_established_ = true;
        if (stream_.verifies())
            client_certificate_ = client_certificate(stream_.ssl());
        if (context_.observer)
            context_.observer(ConnectionEvent::tls_established, remote_address_, {});
        co_return true;
    }
    if (context_.observer && !context_.stopping)
        context_.observer(ConnectionEvent::tls_failed, remote_address_,
                          timed_out_ ? std::string("the handshake has taken too long")
                                     : tls_failure(stream_.ssl(), error));
    // The alert that says why must not be lost by a reset.
    if (error.category() == asio::error::get_ssl_category()) {
        co_await linger();
    }
    broken_ = true;
    co_return false;
}

Task<Connection::ReadOutcome> Connection::read_head() {
    parser_.emplace();
    parser_->header_limit(
        static_cast<std::uint32_t>(context_.options.header_bytes_max + context_.options.target_bytes_max));
    parser_->body_limit(context_.options.body_bytes_max);
    status_ = 0;
    bytes_sent_ = 0;
    chunked_ = false;
    head_request_ = false;
    keep_alive_ = false;
    timed_out_ = false;
    idle_ = buffer_.size() == 0;
    if (context_.stopping && idle_)
        co_return ReadOutcome::closed;
    set_deadline(idle_ ? context_.options.keep_alive_timeout : context_.options.header_timeout);
    // The first byte of a request ends the idle time and begins the time for its head.
    if (idle_) {
        auto some = co_await transfer(
            [this](auto handler) { stream_.async_read_some(buffer_.prepare(4'096), std::move(handler)); });
        if (some.error)
            co_return ReadOutcome::closed;
        buffer_.commit(some.bytes);
        idle_ = false;
        set_deadline(context_.options.header_timeout);
    }
    auto read = co_await transfer(
        [this](auto handler) { http::async_read_header(stream_, buffer_, *parser_, std::move(handler)); });
    clear_deadline();
    if (read.error) {
        if (timed_out_) {
            co_await send_error(ErrorCode::request_timeout);
        } else if (read.error != http::error::end_of_stream && read.error != http::error::partial_message &&
                   read.error.category() == http::make_error_code(http::error::end_of_stream).category()) {
            co_await send_error(head_error(read.error));
        } else {
            co_return ReadOutcome::closed;
        }
        co_await linger();
        co_return ReadOutcome::refused;
    }
    take_head();
    if (auto fault = fault_of(head_, parser_->chunked(), context_.options.target_bytes_max)) {
        co_await send_error(*fault);
        co_await linger();
        co_return ReadOutcome::refused;
    }
    co_return ReadOutcome::request;
}

void Connection::take_head() {
    const auto &message = parser_->get();
    head_.method = std::string(message.method_string());
    head_.target = std::string(message.target());
    head_.remote_address = remote_address_;
    head_.tls = stream_.tls();
    head_.client_certificate = client_certificate_;
    head_.headers = {};
    for (const auto &field : message)
        head_.headers.add(std::string(field.name_string()), std::string(field.value()));
    head_request_ = head_.method == "HEAD";
    keep_alive_ = message.keep_alive();
    auto expect = head_.headers.find("Expect");
    continue_due_ = expect && equal_without_case(*expect, "100-continue") && message.version() >= 11;
}

std::optional<std::uint64_t> Connection::length() const {
    if (parser_->chunked())
        return std::nullopt;
    auto length = parser_->content_length();
    return length ? *length : 0;
}

Task<Result<std::string>> Connection::read_some(std::size_t bytes_max) {
    if (parser_->is_done())
        co_return std::string();
    if (broken_)
        co_return Error(ErrorCode::cancelled, "The client went away.");
    if (continue_due_) {
        continue_due_ = false;
        auto written = co_await write_raw("HTTP/1.1 100 Continue\r\n\r\n", std::string());
        if (!written.ok())
            co_return written.error();
    }
    std::string bytes;
    if (auto rest = parser_->content_length_remaining())
        bytes_max =
            static_cast<std::size_t>(std::min<std::uint64_t>(bytes_max, std::max<std::uint64_t>(*rest, 1)));
    bytes.resize(bytes_max);
    auto &body = parser_->get().body();
    for (;;) {
        body.data = bytes.data();
        body.size = bytes.size();
        set_deadline(context_.options.body_timeout);
        auto read = co_await transfer(
            [this](auto handler) { http::async_read_some(stream_, buffer_, *parser_, std::move(handler)); });
        clear_deadline();
        if (read.error && read.error != http::error::need_buffer) {
            keep_alive_ = false;
            co_return body_error(read.error, timed_out_);
        }
        auto got = bytes.size() - body.size;
        if (got > 0 || parser_->is_done()) {
            bytes.resize(got);
            co_return std::move(bytes);
        }
    }
}

std::string Connection::format_head(const ResponseHead &head, std::optional<std::uint64_t> length) {
    std::string text;
    text.reserve(512);
    text.append("HTTP/1.1 ").append(std::to_string(head.status)).push_back(' ');
    text.append(status_text(head.status)).append("\r\n");
    for (const auto &[name, value] : head.headers) {
        text.append(name).append(": ");
        auto begin = text.size();
        text.append(value);
        // Whatever a value was made of, it is one line (RFC 9110, 5.5).
        for (auto at = text.begin() + static_cast<std::ptrdiff_t>(begin); at != text.end(); ++at)
            if (*at == '\r' || *at == '\n' || *at == '\0')
                *at = ' ';
        text.append("\r\n");
    }
    bool bodiless = head.status == 204 || head.status == 304;
    if (!bodiless && length)
        text.append("Content-Length: ").append(std::to_string(*length)).append("\r\n");
    if (chunked_)
        text.append("Transfer-Encoding: chunked\r\n");
    if (!keep_alive_)
        text.append("Connection: close\r\n");
    else if (parser_ && parser_->get().version() < 11)
        text.append("Connection: keep-alive\r\n");
    text.append("\r\n");
    return text;
}

Task<Result<void>> Connection::write_raw(std::string first, std::string second) {
    if (broken_)
        co_return Error(ErrorCode::cancelled, "The client went away.");
    set_deadline(context_.options.write_timeout);
    std::size_t joined = 0;
    if (stream_.tls() && !first.empty() && first.size() < kTlsRecordBytes) {
        // A record is a call of the system of its own: a short answer is one.
        joined = std::min(second.size(), kTlsRecordBytes - first.size());
        first.append(second, 0, joined);
    }
    std::array<asio::const_buffer, 2> buffers{asio::buffer(first), asio::buffer(second) + joined};
    auto written = co_await transfer(
        [this, &buffers](auto handler) { asio::async_write(stream_, buffers, std::move(handler)); });
    clear_deadline();
    if (written.error) {
        broken_ = true;
        co_return Error(ErrorCode::cancelled, "The client went away.");
    }
    bytes_sent_ += second.size();
    co_return Result<void>();
}

// A response that keeps the connection is a promise. It cannot be kept when more of the request's body is
// left than end_request() skips.
void Connection::settle_keep_alive() {
    keep_alive_ = keep_alive_ && !context_.stopping;
    if (!keep_alive_ || parser_->is_done())
        return;
    auto rest = parser_->content_length_remaining();
    keep_alive_ = !continue_due_ && rest && *rest <= kDrainBytesMax;
}

Task<Result<void>> Connection::send(ResponseHead head, std::string body) {
    DIVAN_CHECK(status_ == 0);
    status_ = head.status;
    settle_keep_alive();
    auto text = format_head(head, body.size());
    if (head_request_ || head.status == 204 || head.status == 304)
        body.clear();
    co_return co_await write_raw(std::move(text), std::move(body));
}

Task<Result<void>> Connection::start(ResponseHead head, std::optional<std::uint64_t> length) {
    DIVAN_CHECK(status_ == 0);
    status_ = head.status;
    settle_keep_alive();
    bool old_client = parser_->get().version() < 11;
    if (!length && old_client)
        keep_alive_ = false; // the end of the connection is the end of the body
    chunked_ = !length && !old_client;
    auto text = format_head(head, length);
    co_return co_await write_raw(std::move(text), std::string());
}

Task<Result<void>> Connection::write(std::string bytes) {
    if (bytes.empty() || head_request_)
        co_return broken_ ? Result<void>(ErrorCode::cancelled) : Result<void>();
    if (!chunked_) {
        co_return co_await write_raw(std::string(), std::move(bytes));
    }
    char digits[18];
    auto [end, error] = std::to_chars(digits, digits + sizeof digits, bytes.size(), 16);
    DIVAN_CHECK(error == std::errc());
    std::string size_line(digits, end);
    size_line.append("\r\n");
    bytes.append("\r\n");
    co_return co_await write_raw(std::move(size_line), std::move(bytes));
}

Task<Result<void>> Connection::finish() {
    if (!chunked_ || head_request_)
        co_return broken_ ? Result<void>(ErrorCode::cancelled) : Result<void>();
    co_return co_await write_raw("0\r\n\r\n", std::string());
}

void Connection::abort() {
    broken_ = true;
    keep_alive_ = false;
}

Task<void> Connection::send_error(Error error) {
    keep_alive_ = false;
    auto [head, body] = context_.error_response(error);
    auto sent = co_await send(std::move(head), std::move(body));
    ignore_error(sent, "the connection ends anyway");
}

// Skips what the handler left of the body, so that the next request can be read.
Task<void> Connection::end_request() {
    if (broken_ || parser_->is_done())
        co_return;
    if (!keep_alive_) {
        co_await linger();
        co_return;
    }
    while (!parser_->is_done()) {
        auto part = co_await read_some(16 << 10);
        if (!part.ok()) {
            broken_ = true;
            co_return;
        }
    }
}

// The end of what this side sends. With TLS it says so first: without, it may be somebody else who has cut it
// off.
Task<void> Connection::end_output() {
    if (tls_established_) {
        set_deadline(kLingerTime);
        co_await suspend<error_code>([this](Resume<error_code> resume) {
            stream_.async_close_notify([resume](error_code ended) { resume(ended); });
        });
        clear_deadline();
        tls_established_ = false;
    }
    error_code ignored;
    stream_.socket().shutdown(asio::ip::tcp::socket::shutdown_send, ignored);
}

// Lets an early answer reach a client that is still sending: closing at once would reset the connection. What
// it sends is nothing to anybody, so it stays encrypted.
Task<void> Connection::linger() {
    co_await end_output();
    set_deadline(kLingerTime);
    std::string sink(64 << 10, '\0');
    for (std::uint64_t drained = 0; drained < kLingerBytesMax && !broken_;) {
        auto read = co_await transfer([this, &sink](auto handler) {
            stream_.socket().async_read_some(asio::buffer(sink), std::move(handler));
        });
        if (read.error)
            break;
        drained += read.bytes;
    }
    clear_deadline();
}

} // namespace divan::net
