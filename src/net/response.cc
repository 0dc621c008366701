#include "net/response.h"

#include <algorithm>
#include <boost/beast/http/error.hpp>
#include <fmt/format.h>

namespace divan::net {
namespace {

constexpr std::size_t kStepBytesMax = 256 << 10;
constexpr std::size_t kChunkInputBytesMax = 256 << 10;

} // namespace

Task<Result<void>> SocketResponse::read_head(const std::function<void()> &on_continue) {
    auto head = co_await reader_.read(bodiless_, on_continue);
    if (head.ok())
        take_head();
    co_return head;
}

void SocketResponse::take_head() {
    const auto &message = reader_.parser().get();
    status_ = static_cast<int>(message.result_int());
    for (const auto &field : message)
        headers_.add(std::string(field.name_string()), std::string(field.value()));
}

Result<void> SocketResponse::begin_body(std::shared_ptr<ConnectionPool> pool,
                                        const Destination &destination) {
    auto &parser = reader_.parser();
    auto coding = headers_.find("Transfer-Encoding");
    if (coding && !equal_without_case(*coding, "chunked"))
        return Error(
            ErrorCode::service_unavailable,
            fmt::format("The answer of {} has a transfer encoding that is not known.", link_->shown()));
    if (parser.is_done())
        framing_ = Framing::none;
    else if (parser.chunked())
        framing_ = Framing::chunks;
    else if (auto length = parser.content_length()) {
        framing_ = Framing::length;
        length_ = remaining_ = *length;
    } else
        framing_ = Framing::until_close;
    if (parser.keep_alive() && framing_ != Framing::until_close)
        pool_ = std::move(pool);
    destination_ = destination;
    if (auto encoding = headers_.find("Content-Encoding");
        encoding && (equal_without_case(*encoding, "gzip") || equal_without_case(*encoding, "x-gzip")))
        inflater_.emplace();
    if (framing_ == Framing::none || (framing_ == Framing::length && remaining_ == 0))
        finish();
    return {};
}

std::optional<std::uint64_t> SocketResponse::length() const {
    if (framing_ == Framing::none)
        return 0;
    if (framing_ != Framing::length || inflater_)
        return std::nullopt;
    return length_;
}

// The body is whole: the connection serves the next request.
void SocketResponse::finish() {
    ended_ = true;
    // What follows an answer belongs to no request.
    bool keep = pool_ && input_.empty();
    auto wire = link_->release();
    if (wire && keep)
        pool_->keep(destination_, std::move(wire));
    else if (wire)
        wire->close();
    pool_.reset();
}

Error SocketResponse::failed(Error error) {
    error_ = error;
    if (auto wire = link_->release())
        wire->close();
    pool_.reset();
    return error;
}

Error SocketResponse::cut_off() {
    return {ErrorCode::service_unavailable,
            fmt::format("{} closed the connection before the end of its answer.", link_->shown())};
}

Task<Result<std::string>> SocketResponse::read_some(std::size_t bytes_max) {
    if (error_)
        co_return *error_;
    bytes_max = std::max<std::size_t>(bytes_max, 1);
    if (inflater_)
        co_return co_await read_inflated(std::min(bytes_max, kStepBytesMax));
    co_return co_await read_raw(bytes_max);
}

Task<Result<std::string>> SocketResponse::read_raw(std::size_t bytes_max) {
    if (ended_)
        co_return std::string();
    bytes_max = std::min(bytes_max, step_);
    if (framing_ == Framing::chunks)
        co_return co_await read_chunks(bytes_max);
    co_return co_await read_plain(bytes_max);
}

Task<Result<std::string>> SocketResponse::read_plain(std::size_t bytes_max) {
    bool counted = framing_ == Framing::length;
    if (counted)
        bytes_max = static_cast<std::size_t>(std::min<std::uint64_t>(bytes_max, remaining_));
    std::string bytes;
    if (!input_.empty()) {
        bytes = input_.view().substr(0, bytes_max);
        input_.consume(bytes.size());
    } else {
        bytes.resize(bytes_max);
        auto read = co_await link_->read_some(bytes.data(), bytes.size());
        if (!read.ok())
            co_return failed(read.error());
        if (*read == 0 && counted)
            co_return failed(cut_off());
        if (*read == 0) {
            finish();
            co_return std::string();
        }
        if (*read == bytes.size())
            step_ = std::min(4 * step_, kStepBytesMax);
        bytes.resize(*read);
        if (bytes.size() < bytes.capacity() / 4)
            bytes.shrink_to_fit();
    }
    if (counted) {
        remaining_ -= bytes.size();
        if (remaining_ == 0)
            finish();
    }
    co_return std::move(bytes);
}

Task<Result<std::string>> SocketResponse::read_chunks(std::size_t bytes_max) {
    auto &parser = reader_.parser();
    std::string bytes;
    std::size_t filled = 0;
    for (;;) {
        // Everything that is here goes through the parser, so that the last chunk is seen with the bytes
        // before it.
        bool more = false;
        if (!input_.empty())
            bytes.resize(bytes_max);
        while (!more && !parser.is_done() && !input_.empty() && filled < bytes_max) {
            auto &body = parser.get().body();
            body.data = bytes.data() + filled;
            body.size = bytes_max - filled;
            ErrorNumber error;
            input_.consume(parser.put(asio::buffer(input_.view()), error));
            filled = bytes_max - body.size;
            more = error == http::error::need_more;
            if (error && !more && error != http::error::need_buffer)
                co_return failed(
                    Error(ErrorCode::bad_request,
                          fmt::format("The answer of {} has malformed chunks.", link_->shown())));
        }
        if (parser.is_done())
            finish();
        if (filled > 0 || ended_)
            break;
        auto read = co_await input_.fill(*link_, std::min(kChunkInputBytesMax, 4 * step_));
        if (!read.ok())
            co_return failed(read.error());
        if (*read == 0)
            co_return failed(cut_off());
        if (*read >= step_)
            step_ = std::min(4 * step_, kStepBytesMax);
    }
    bytes.resize(filled);
    co_return std::move(bytes);
}

Task<Result<std::string>> SocketResponse::read_inflated(std::size_t bytes_max) {
    for (;;) {
        auto rest = std::string_view(compressed_).substr(compressed_at_);
        auto inflated = inflater_->read_some(rest, bytes_max);
        if (!inflated.ok())
            co_return failed(Error(ErrorCode::bad_request,
                                   fmt::format("The answer of {} is not properly gzipped.", link_->shown())));
        compressed_at_ = compressed_.size() - rest.size();
        inflating_ = inflating_ || compressed_at_ > 0;
        if (!inflated->empty())
            co_return inflated;
        auto raw = co_await read_raw(step_);
        if (!raw.ok())
            co_return raw;
        if (raw->empty() && inflating_ && !inflater_->finished())
            co_return failed(
                Error(ErrorCode::bad_request,
                      fmt::format("The answer of {} ends in the middle of its gzip.", link_->shown())));
        if (raw->empty())
            co_return raw;
        compressed_ = std::move(*raw);
        compressed_at_ = 0;
    }
}

} // namespace divan::net
