#include "net/url.h"

#include "base/encoding.h"

#include <algorithm>
#include <charconv>

namespace divan::net {
namespace {

constexpr std::size_t kPathPartsMax = 256;
constexpr std::size_t kParametersMax = 1'000;

Error malformed_escape() {
    return Error(ErrorCode::bad_request, "invalid_url_encoding");
}

std::optional<std::uint64_t> parse_number(std::string_view text) {
    std::uint64_t number = 0;
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || end != text.data() + text.size())
        return std::nullopt;
    return number;
}

std::string_view trim(std::string_view text) {
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t'))
        text.remove_prefix(1);
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t'))
        text.remove_suffix(1);
    return text;
}

} // namespace

Result<std::vector<PathPart>> split_path(std::string_view raw_path, bool plus_is_space) {
    std::vector<PathPart> parts;
    if (raw_path.starts_with("/"))
        raw_path.remove_prefix(1);
    while (true) {
        auto slash = raw_path.find('/');
        auto raw = raw_path.substr(0, slash);
        auto decoded = percent_decode(raw, plus_is_space);
        if (!decoded)
            return malformed_escape();
        parts.push_back({std::string(raw), std::move(*decoded)});
        if (parts.size() > kPathPartsMax)
            return ErrorCode::too_long;
        if (slash == std::string_view::npos)
            return parts;
        raw_path.remove_prefix(slash + 1);
    }
}

Result<Query> Query::parse(std::string_view raw_query) {
    Query query;
    while (!raw_query.empty()) {
        auto end = raw_query.find_first_of("&;");
        auto pair = raw_query.substr(0, end);
        raw_query.remove_prefix(end == std::string_view::npos ? raw_query.size() : end + 1);
        if (pair.empty())
            continue;
        auto equals = pair.find('=');
        auto name = percent_decode(pair.substr(0, equals), true);
        auto value = percent_decode(
            equals == std::string_view::npos ? std::string_view() : pair.substr(equals + 1), true);
        if (!name || !value)
            return malformed_escape();
        if (query.parameters_.size() == kParametersMax)
            return Error(ErrorCode::bad_request, "The URL has too many parameters.");
        query.add(std::move(*name), std::move(*value));
    }
    return query;
}

std::optional<std::string_view> Query::find(std::string_view name) const {
    for (auto parameter = parameters_.rbegin(); parameter != parameters_.rend(); ++parameter)
        if (parameter->first == name)
            return parameter->second;
    return std::nullopt;
}

std::string *Query::find_value(std::string_view name) {
    for (auto parameter = parameters_.rbegin(); parameter != parameters_.rend(); ++parameter)
        if (parameter->first == name)
            return &parameter->second;
    return nullptr;
}

void Query::add(std::string name, std::string value) {
    parameters_.emplace_back(std::move(name), std::move(value));
}

Result<std::optional<std::vector<ByteRange>>> parse_range(std::string_view header, std::uint64_t length) {
    constexpr std::string_view kUnit = "bytes=";
    std::optional<std::vector<ByteRange>> none;
    if (!header.starts_with(kUnit))
        return none;
    header.remove_prefix(kUnit.size());
    std::vector<ByteRange> ranges;
    for (;;) {
        auto comma = header.find(',');
        auto range = trim(header.substr(0, comma));
        auto dash = range.find('-');
        if (dash == std::string_view::npos)
            return none;
        auto first = parse_number(trim(range.substr(0, dash)));
        auto last = parse_number(trim(range.substr(dash + 1)));
        bool suffix = dash == 0;
        bool open = dash + 1 == range.size();
        if ((!suffix && !first) || (!open && !last) || (suffix && open))
            return none;
        if (suffix) {
            if (*last == 0 || length == 0)
                return ErrorCode::range_not_satisfiable;
            ranges.push_back({*last >= length ? 0 : length - *last, length - 1});
        } else {
            if (*first >= length || (!open && *last < *first))
                return ErrorCode::range_not_satisfiable;
            ranges.push_back({*first, open ? length - 1 : std::min(*last, length - 1)});
        }
        if (comma == std::string_view::npos)
            return std::optional<std::vector<ByteRange>>(std::move(ranges));
        header.remove_prefix(comma + 1);
    }
}

} // namespace divan::net
