#include "net/multipart.h"

#include <algorithm>

namespace divan::net {
namespace {

constexpr std::size_t kBoundaryBytesMax = 200;
constexpr std::size_t kPartHeadBytesMax = 16 << 10;
constexpr std::size_t kReadBytes = 64 << 10;
// Compact the buffer when so much of it has been consumed.
constexpr std::size_t kConsumedBytesMax = 256 << 10;

Error malformed(const char *what) {
    return Error(ErrorCode::bad_request, std::string("The multipart body is malformed: ") + what + ".");
}

std::string_view trim(std::string_view text) {
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t'))
        text.remove_prefix(1);
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t'))
        text.remove_suffix(1);
    return text;
}

Result<Headers> parse_headers(std::string_view text) {
    Headers headers;
    while (!text.empty()) {
        auto end = text.find("\r\n");
        auto line = text.substr(0, end);
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 2);
        if (line.empty())
            continue;
        auto colon = line.find(':');
        if (colon == std::string_view::npos || colon == 0)
            return malformed("a header without a name");
        headers.add(std::string(trim(line.substr(0, colon))), std::string(trim(line.substr(colon + 1))));
    }
    return headers;
}

} // namespace

std::optional<std::string> multipart_boundary(std::string_view content_type) {
    auto semicolon = content_type.find(';');
    auto type = trim(content_type.substr(0, semicolon));
    if (type.size() < 10 || !equal_without_case(type.substr(0, 10), "multipart/"))
        return std::nullopt;
    while (semicolon != std::string_view::npos) {
        content_type.remove_prefix(semicolon + 1);
        semicolon = content_type.find(';');
        auto parameter = trim(content_type.substr(0, semicolon));
        auto equals = parameter.find('=');
        if (equals == std::string_view::npos ||
            !equal_without_case(trim(parameter.substr(0, equals)), "boundary"))
            continue;
        auto value = trim(parameter.substr(equals + 1));
        if (value.size() >= 2 && value.front() == '"' && value.back() == '"')
            value = value.substr(1, value.size() - 2);
        if (value.empty() || value.size() > kBoundaryBytesMax)
            return std::nullopt;
        return std::string(value);
    }
    return std::nullopt;
}

// The buffer begins with a CRLF of its own, so that the first boundary is found like the others.
MultipartReader::MultipartReader(BodyReader &body, std::string_view boundary)
    : body_(body), delimiter_("\r\n--" + std::string(boundary)), buffer_("\r\n"), in_part_(true) {}

Task<Result<void>> MultipartReader::fill(std::size_t bytes) {
    if (at_ > kConsumedBytesMax) {
        buffer_.erase(0, at_);
        at_ = 0;
    }
    while (!body_ended_ && buffer_.size() - at_ < bytes) {
        auto part = co_await body_.read_some(kReadBytes);
        if (!part.ok())
            co_return part.error();
        body_ended_ = part->empty();
        buffer_.append(*part);
    }
    co_return Result<void>();
}

Task<Result<std::string>> MultipartReader::read_some(std::size_t bytes_max) {
    if (!in_part_)
        co_return std::string();
    // Enough to see a delimiter that begins anywhere in what is returned.
    auto filled = co_await fill(std::min(bytes_max, kReadBytes) + delimiter_.size());
    if (!filled.ok())
        co_return filled.error();
    auto found = buffer_.find(delimiter_, at_);
    std::size_t end = found;
    if (found == std::string::npos) {
        if (body_ended_)
            co_return malformed("it ends before its last boundary");
        end = buffer_.size() - std::min(buffer_.size() - at_, delimiter_.size() - 1);
    }
    auto count = std::min(end - at_, bytes_max);
    std::string bytes = buffer_.substr(at_, count);
    at_ += count;
    if (count == 0)
        in_part_ = false;
    co_return std::move(bytes);
}

Task<Result<std::string>> MultipartReader::read_all(std::size_t bytes_max) {
    std::string all;
    for (;;) {
        auto part = co_await read_some(kReadBytes);
        if (!part.ok() || part->empty()) {
            if (!part.ok())
                co_return part.error();
            co_return std::move(all);
        }
        if (all.size() + part->size() > bytes_max)
            co_return ErrorCode::too_large;
        all.append(*part);
    }
}

Task<Result<std::optional<Headers>>> MultipartReader::next_part() {
    while (in_part_) {
        auto skipped = co_await read_some(kReadBytes);
        if (!skipped.ok())
            co_return skipped.error();
    }
    // The delimiter, then "--" at the end of all parts, or white space and a line end.
    auto filled = co_await fill(delimiter_.size() + kPartHeadBytesMax);
    if (!filled.ok())
        co_return filled.error();
    auto rest = std::string_view(buffer_).substr(at_);
    if (!rest.starts_with(delimiter_))
        co_return malformed("a boundary is missing");
    rest.remove_prefix(delimiter_.size());
    if (rest.starts_with("--"))
        co_return std::optional<Headers>();
    auto line_end = rest.find("\r\n");
    if (line_end == std::string_view::npos || !trim(rest.substr(0, line_end)).empty())
        co_return malformed("something follows a boundary");
    // An empty head is one line end, directly behind the boundary's.
    auto head_end = rest.find("\r\n\r\n", line_end);
    if (head_end == std::string_view::npos || head_end > kPartHeadBytesMax)
        co_return malformed("the headers of a part do not end");
    auto headers = parse_headers(rest.substr(line_end, head_end - line_end));
    if (!headers.ok())
        co_return headers.error();
    // The last CRLF stays: an empty part is followed by its delimiter at once.
    at_ += delimiter_.size() + head_end + 4;
    if (std::string_view(buffer_).substr(at_).starts_with(std::string_view(delimiter_).substr(2)))
        at_ -= 2;
    in_part_ = true;
    co_return std::optional<Headers>(std::move(*headers));
}

std::string multipart_part_head(std::string_view boundary, const Headers &headers) {
    std::string text = "\r\n--";
    text.append(boundary);
    for (const auto &[name, value] : headers)
        text.append("\r\n").append(name).append(": ").append(value);
    return text.append("\r\n\r\n");
}

std::string multipart_end(std::string_view boundary) {
    return std::string("\r\n--").append(boundary).append("--");
}

} // namespace divan::net
