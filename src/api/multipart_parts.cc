#include "api/multipart_parts.h"

namespace divan::api {
namespace {

bool is_space(char c) {
    return c == ' ' || c == '\t';
}

// Takes the value at the front of `rest`, up to the next ';' outside of quotes.
std::string take_value(std::string_view &rest) {
    std::string value;
    bool quoted = !rest.empty() && rest.front() == '"';
    std::size_t at = quoted ? 1 : 0;
    for (; at < rest.size() && rest[at] != (quoted ? '"' : ';'); ++at) {
        if (quoted && rest[at] == '\\' && at + 1 < rest.size())
            ++at;
        value.push_back(rest[at]);
    }
    auto end = rest.find(';', at);
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    while (!quoted && !value.empty() && is_space(value.back()))
        value.pop_back();
    return value;
}

} // namespace

std::optional<std::string> disposition_parameter(std::string_view disposition, std::string_view name) {
    auto semicolon = disposition.find(';');
    if (semicolon == std::string_view::npos)
        return std::nullopt;
    auto rest = disposition.substr(semicolon + 1);
    while (!rest.empty()) {
        if (is_space(rest.front()) || rest.front() == ';') {
            rest.remove_prefix(1);
            continue;
        }
        auto end = rest.find_first_of("=;");
        if (end == std::string_view::npos)
            return std::nullopt;
        auto key = rest.substr(0, end);
        while (!key.empty() && is_space(key.back()))
            key.remove_suffix(1);
        bool has_value = rest[end] == '=';
        rest.remove_prefix(end + 1);
        if (!has_value)
            continue;
        while (!rest.empty() && is_space(rest.front()))
            rest.remove_prefix(1);
        auto value = take_value(rest);
        if (net::equal_without_case(key, name))
            return value;
    }
    return std::nullopt;
}

Task<Result<StoredPart>> store_part(Call &call, net::MultipartReader &reader, std::string name,
                                    std::string content_type, bool gzip) {
    auto sink = co_await call.on_engine([&] {
        return AttachmentSink::open(call.services().config, *call.database, name, content_type, gzip);
    });
    if (!sink.ok())
        co_return sink.error();
    auto poured = co_await pour(call, reader, **sink);
    if (!poured.ok())
        co_return poured.error();
    auto stored = co_await call.on_engine([&] { return (*sink)->finish(); });
    if (!stored.ok())
        co_return stored.error();
    StoredPart part{std::move(*stored), std::move(*sink)};
    co_return std::move(part);
}

} // namespace divan::api
