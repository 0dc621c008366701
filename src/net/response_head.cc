#include "net/response_head.h"

#include <boost/beast/http/error.hpp>
#include <cstring>
#include <fmt/format.h>

namespace divan::net {
namespace {

constexpr int kInterimMax = 16; // interim answers before one answer
constexpr std::size_t kFillBytesMin = 4 << 10;
constexpr std::string_view kProtocol = "HTTP/1.";

} // namespace

Task<Result<std::size_t>> InputBuffer::fill(Link &link, std::size_t bytes_max) {
    auto size = end_ - begin_;
    if (size >= bytes_max)
        co_return Error(ErrorCode::bad_request, "The answer's framing is malformed: a part has no end.");
    if (begin_ > 0) {
        std::memmove(bytes_.data(), bytes_.data() + begin_, size);
        begin_ = 0;
        end_ = size;
    }
    if (bytes_.size() == end_)
        bytes_.resize(std::min(bytes_max, std::max(kFillBytesMin, 2 * bytes_.size())));
    auto read = co_await link.read_some(bytes_.data() + end_, std::min(bytes_.size(), bytes_max) - end_);
    if (read.ok())
        end_ += *read;
    co_return read;
}

Error ResponseHeadReader::no_http(std::string_view why) const {
    return {ErrorCode::service_unavailable,
            fmt::format("The answer of {} is not valid HTTP: {}.", link_.shown(), why)};
}

Task<Result<void>> ResponseHeadReader::read(bool bodiless, const std::function<void()> &on_continue) {
    for (int interim = 0; interim < kInterimMax; ++interim) {
        auto one = co_await read_one(bodiless);
        if (!one.ok())
            co_return one;
        auto status = parser_->get().result_int();
        if (status >= 200)
            co_return Result<void>();
        if (status == 101)
            co_return no_http("it changes to another protocol");
        if (status == 100)
            on_continue();
    }
    co_return no_http("interim answers do not end");
}

Task<Result<void>> ResponseHeadReader::read_one(bool bodiless) {
    parser_.emplace();
    parser_->header_limit(static_cast<std::uint32_t>(header_bytes_max_));
    parser_->body_limit(boost::none);
    parser_->skip(bodiless);
    bool begun = false;
    for (;;) {
        if (!input_.empty()) {
            auto view = input_.view();
            if (!begun && view.substr(0, kProtocol.size()) != kProtocol.substr(0, view.size()))
                co_return no_http("it begins with something else");
            ErrorNumber error;
            auto used = parser_->put(asio::buffer(view), error);
            begun = begun || used > 0;
            input_.consume(used);
            if (error == http::error::header_limit)
                co_return no_http("its head is larger than is accepted");
            if (error && error != http::error::need_more)
                co_return no_http(error.message());
            if (parser_->is_header_done())
                co_return Result<void>();
        }
        auto room = header_bytes_max_ + kFillBytesMin;
        auto read = co_await input_.fill(link_, room);
        if (!read.ok() && read.error().code() == ErrorCode::bad_request)
            co_return no_http("its head is larger than is accepted");
        if (!read.ok())
            co_return read.error();
        if (*read == 0) {
            std::string_view when("its answer");
            if (begun || !input_.empty())
                when = "the end of its answer's head";
            co_return Error(ErrorCode::service_unavailable,
                            fmt::format("{} closed the connection before {}.", link_.shown(), when));
        }
    }
}

} // namespace divan::net
