#include "net/request_writer.h"

#include "net/absolute_url.h"

#include <algorithm>
#include <charconv>
#include <fmt/format.h>

namespace divan::net {
namespace {

constexpr Millis kContinueTime{1'000};
constexpr std::size_t kJoinBytesMax = 16 << 10; // smaller bodies go out with their head

bool is_token(std::string_view text) {
    return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
        return c > ' ' && c < 127 &&
               std::string_view("\"(),/:;<=>?@[\\]{}").find(c) == std::string_view::npos;
    });
}

bool is_target(std::string_view text) {
    return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
        return static_cast<unsigned char>(c) > ' ' && c != 127;
    });
}

bool is_field_value(std::string_view text) {
    return text.find_first_of(std::string_view("\r\n\0", 3)) == std::string_view::npos;
}

bool is_ours(std::string_view name) {
    for (std::string_view ours : {"Content-Length", "Transfer-Encoding", "Expect", "Proxy-Authorization"})
        if (equal_without_case(name, ours))
            return true;
    return false;
}

bool has_body(const OutgoingRequest &request) {
    return !request.body.empty() || request.method == "POST" || request.method == "PUT" ||
           request.method == "PATCH";
}

} // namespace

Result<std::string> format_request_head(const Destination &destination, const OutgoingRequest &request) {
    if (!is_token(request.method) || !is_target(request.target))
        return Error(ErrorCode::bad_request, "The method or the target of a request cannot be sent.");
    auto host = authority(destination.host, destination.port, destination.tls ? 443 : 80);
    bool through_proxy = destination.proxy && !destination.tls;
    std::string text;
    text.reserve(512);
    text.append(request.method).append(" ");
    if (through_proxy)
        text.append("http://").append(host);
    text.append(request.target).append(" HTTP/1.1\r\n");
    if (!request.headers.contains("Host"))
        text.append("Host: ").append(host).append("\r\n");
    if (const auto &proxy = destination.proxy; through_proxy && !proxy->user.empty())
        text.append("Proxy-Authorization: ")
            .append(basic_credentials(proxy->user, proxy->password))
            .append("\r\n");
    for (const auto &[name, value] : request.headers) {
        if (!is_token(name) || !is_field_value(value))
            return Error(ErrorCode::bad_request, fmt::format("The header `{}` of a request cannot be sent.",
                                                             is_token(name) ? name : "?"));
        if (!is_ours(name))
            text.append(name).append(": ").append(value).append("\r\n");
    }
    if (!request.stream && has_body(request))
        text.append("Content-Length: ").append(std::to_string(request.body.size())).append("\r\n");
    else if (request.stream && request.stream_length)
        text.append("Content-Length: ").append(std::to_string(*request.stream_length)).append("\r\n");
    else if (request.stream)
        text.append("Transfer-Encoding: chunked\r\n");
    if (request.stream && request.expects_continue)
        text.append("Expect: 100-continue\r\n");
    text.append("\r\n");
    return text;
}

Task<void> RequestWriter::run() {
    writing_ = true;
    if (!request_.stream) {
        auto body = std::string_view(request_.body);
        if (body.size() <= kJoinBytesMax) {
            auto both = head_ + request_.body;
            auto written = co_await link_.write(both, std::string_view());
            complete_ = written.ok();
        } else {
            auto written = co_await link_.write(head_, body);
            complete_ = written.ok();
        }
    } else {
        auto written = co_await link_.write(head_, std::string_view());
        writing_ = false;
        if (written.ok() && request_.expects_continue)
            co_await wait_for_continue();
        if (written.ok())
            co_await write_stream();
    }
    writing_ = false;
}

Task<void> RequestWriter::wait_for_continue() {
    auto at = std::chrono::steady_clock::now() + kContinueTime;
    link_.remind(at, [this] { go_on(); });
    while (!may_go_on_ && !stopped_)
        co_await wake_.wait();
    link_.remind(at, nullptr);
}

Task<void> RequestWriter::write_stream() {
    while (!stopped_) {
        link_.hold();
        auto piece = co_await request_.stream();
        link_.unhold();
        bool end = piece.ok() && piece->empty();
        if (stopped_)
            break;
        if (!piece.ok())
            co_return fail(piece.error());
        auto size = piece->size();
        if (request_.stream_length &&
            (written_ + size > *request_.stream_length || (end && written_ < *request_.stream_length)))
            co_return fail(
                Error(ErrorCode::bad_request,
                      fmt::format("A body of {} bytes was announced, and its stream gives {} {}.",
                                  *request_.stream_length, end ? "only" : "at least", written_ + size)));
        if (end && request_.stream_length) {
            complete_ = true;
            co_return;
        }
        writing_ = true;
        auto written = co_await write_piece(std::move(*piece));
        writing_ = false;
        if (!written.ok())
            co_return;
        written_ += size;
        if (end) {
            complete_ = true;
            co_return;
        }
    }
    // The answer may come before the stream could say that the last piece was the last.
    complete_ = request_.stream_length && written_ == *request_.stream_length;
}

// An empty one is the end of the chunks.
Task<Result<void>> RequestWriter::write_piece(std::string piece) {
    if (request_.stream_length)
        co_return co_await link_.write(piece, std::string_view());
    char digits[18];
    auto [end, error] = std::to_chars(digits, digits + sizeof digits, piece.size(), 16);
    DIVAN_CHECK(error == std::errc());
    std::string size_line(digits, end);
    size_line.append("\r\n");
    piece.append("\r\n");
    if (piece.size() <= kJoinBytesMax) {
        size_line.append(piece);
        piece.clear();
    }
    co_return co_await link_.write(size_line, piece);
}

void RequestWriter::go_on() {
    may_go_on_ = true;
    wake_.wake_all();
}

void RequestWriter::stop() {
    stopped_ = true;
    wake_.wake_all();
    if (writing_ && link_.wire() != nullptr)
        link_.wire()->cancel();
}

// The body cannot be completed: the connection ends, and with it the wait for the answer.
void RequestWriter::fail(Error error) {
    stream_error_ = std::move(error);
    if (link_.wire() != nullptr)
        link_.wire()->close();
}

} // namespace divan::net
