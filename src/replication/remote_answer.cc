#include "replication/remote_answer.h"

#include "replication/remote_database.h"
#include "json/parser.h"

#include <algorithm>
#include <fmt/format.h>

namespace divan::replication {
namespace {

constexpr std::size_t kSmallAnswerBytesMax = 64 << 20;

} // namespace

ErrorCode code_of_status(int status) {
    switch (status) {
    case 401:
        return ErrorCode::unauthorized;
    case 403:
        return ErrorCode::forbidden;
    case 404:
        return ErrorCode::not_found;
    case 405:
        return ErrorCode::method_not_allowed;
    case 408:
        return ErrorCode::request_timeout;
    case 409:
        return ErrorCode::conflict;
    case 412:
        return ErrorCode::precondition_failed;
    case 413:
        return ErrorCode::too_large;
    case 414:
        return ErrorCode::too_long;
    case 415:
        return ErrorCode::bad_content_type;
    case 417:
        return ErrorCode::expectation_failed;
    case 429:
        return ErrorCode::service_unavailable;
    case 501:
        return ErrorCode::not_implemented;
    case 507:
        return ErrorCode::insufficient_storage;
    default:
        return status >= 500 ? ErrorCode::service_unavailable : ErrorCode::bad_request;
    }
}

RemoteAnswer::~RemoteAnswer() {
    response_.reset();
    if (permit_)
        database_.connections_.release();
}

std::string RemoteAnswer::media_type() const {
    auto type = std::string(headers().find("Content-Type").value_or(""));
    type.resize(std::min(type.find(';'), type.size()));
    while (!type.empty() && type.back() == ' ')
        type.pop_back();
    std::transform(type.begin(), type.end(), type.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; });
    return type;
}

Task<Result<std::string>> RemoteAnswer::read_some(std::size_t bytes_max) {
    auto bytes = co_await response_->read_some(bytes_max);
    auto moved = response_->received_bytes() - counted_bytes_;
    counted_bytes_ += moved;
    database_.context_.count_in(moved);
    auto booked = co_await database_.book(moved);
    if (!booked.ok())
        co_return booked.error();
    co_return bytes;
}

Task<Result<json::Value>> RemoteAnswer::json() {
    auto text = co_await read_all(kSmallAnswerBytesMax);
    if (!text.ok())
        co_return text.error();
    auto value = json::parse(*text);
    co_return value.ok() ? std::move(*value) : json::Value();
}

Task<Error> RemoteAnswer::error() {
    auto code = code_of_status(status());
    auto where = database_.endpoint_.shown();
    auto body = co_await json();
    std::string word;
    std::string reason;
    if (body.ok() && body->is_object()) {
        auto text = [&](const char *key) {
            const auto *member = body->object().find(key);
            return member != nullptr && member->is_string() ? member->string() : std::string();
        };
        word = text("error");
        reason = text("reason");
    }
    if (reason.empty())
        reason = fmt::format("{} answers {} {}.", where, status(), net::status_text(status()));
    else
        reason = fmt::format("{} answers {}: {}", where, status(), reason);
    if (word.empty())
        co_return Error(code, std::move(reason));
    co_return Error(code, std::move(word), std::move(reason));
}

} // namespace divan::replication
