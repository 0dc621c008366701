#include "net/http.h"

#include <algorithm>

namespace divan::net {
namespace {

char lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

} // namespace

bool equal_without_case(std::string_view a, std::string_view b) {
    return a.size() == b.size() &&
           std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) { return lower(x) == lower(y); });
}

void Headers::add(std::string name, std::string value) {
    fields_.emplace_back(std::move(name), std::move(value));
}

void Headers::set(std::string name, std::string value) {
    erase(name);
    add(std::move(name), std::move(value));
}

void Headers::erase(std::string_view name) {
    std::erase_if(fields_, [&](const auto &field) { return equal_without_case(field.first, name); });
}

std::optional<std::string_view> Headers::find(std::string_view name) const {
    for (const auto &[key, value] : fields_)
        if (equal_without_case(key, name))
            return value;
    return std::nullopt;
}

std::string_view RequestHead::raw_path() const {
    return std::string_view(target).substr(0, target.find('?'));
}

std::string_view RequestHead::raw_query() const {
    auto mark = target.find('?');
    return mark == std::string::npos ? std::string_view() : std::string_view(target).substr(mark + 1);
}

Task<Result<std::string>> BodyReader::read_all(std::size_t bytes_max) {
    std::string all;
    if (auto expected = length(); expected && *expected <= bytes_max)
        all.reserve(static_cast<std::size_t>(*expected));
    for (;;) {
        auto part = co_await read_some(256 << 10);
        if (!part.ok())
            co_return part.error();
        if (part->empty())
            co_return std::move(all);
        if (all.size() + part->size() > bytes_max)
            co_return ErrorCode::too_large;
        if (all.empty() && all.capacity() < part->size())
            all = std::move(*part);
        else
            all.append(*part);
    }
}

std::string_view status_text(int status) {
    switch (status) {
    case 100:
        return "Continue";
    case 200:
        return "OK";
    case 201:
        return "Created";
    case 202:
        return "Accepted";
    case 204:
        return "No Content";
    case 206:
        return "Partial Content";
    case 301:
        return "Moved Permanently";
    case 302:
        return "Found";
    case 304:
        return "Not Modified";
    case 400:
        return "Bad Request";
    case 401:
        return "Unauthorized";
    case 403:
        return "Forbidden";
    case 404:
        return "Object Not Found";
    case 405:
        return "Method Not Allowed";
    case 406:
        return "Not Acceptable";
    case 408:
        return "Request Timeout";
    case 409:
        return "Conflict";
    case 410:
        return "Gone";
    case 412:
        return "Precondition Failed";
    case 413:
        return "Request Entity Too Large";
    case 414:
        return "Request-URI Too Long";
    case 415:
        return "Unsupported Media Type";
    case 416:
        return "Requested Range Not Satisfiable";
    case 417:
        return "Expectation Failed";
    case 431:
        return "Request Header Fields Too Large";
    case 500:
        return "Internal Server Error";
    case 501:
        return "Not Implemented";
    case 503:
        return "Service Unavailable";
    case 507:
        return "Insufficient Storage";
    default:
        return "Status";
    }
}

} // namespace divan::net
