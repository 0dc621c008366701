#include "api/parameters.h"

#include <charconv>
#include <fmt/format.h>

namespace divan::api {
namespace {

// As Erlang prints a text: an empty one is an empty list.
std::string shown(std::string_view value) {
    return value.empty() ? "[]" : fmt::format("\"{}\"", value);
}

} // namespace

bool is_true(const net::Query &query, std::string_view name) {
    for (const auto &[key, value] : query)
        if (key == name && value == "true")
            return true;
    return false;
}

Result<bool> parse_view_boolean(std::string_view /*name*/, std::string_view value) {
    if (net::equal_without_case(value, "true"))
        return true;
    if (net::equal_without_case(value, "false"))
        return false;
    return Error(ErrorCode::query_parse_error, fmt::format("Invalid boolean parameter: {}", shown(value)));
}

Result<std::uint64_t> parse_count(std::string_view /*name*/, std::string_view value) {
    std::int64_t number = 0;
    auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
    if (error != std::errc() || end != value.data() + value.size() || value.empty())
        return Error(ErrorCode::query_parse_error,
                     fmt::format("Invalid value for integer: {}", shown(value)));
    if (number < 0)
        return Error(ErrorCode::query_parse_error,
                     fmt::format("Invalid value for positive integer: {}", shown(value)));
    return static_cast<std::uint64_t>(number);
}

bool asks_for_copies(std::string_view w) {
    std::int64_t copies = 0;
    auto [end, error] = std::from_chars(w.data(), w.data() + w.size(), copies);
    return error == std::errc() && end == w.data() + w.size() && copies > 1;
}

} // namespace divan::api
