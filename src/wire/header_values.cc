#include "wire/header_values.h"

#include "base/encoding.h"
#include "net/http.h"

#include <algorithm>

namespace divan::wire {
namespace {

bool is_control(char c) {
    return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
}

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

std::string header_text(std::string_view name) {
    std::string text;
    for (char c : name) {
        bool special = is_control(c) || c == '"';
        text.append(special ? percent_encode({&c, 1}) : std::string(1, c));
    }
    return text;
}

std::string header_content_type(std::string_view content_type) {
    std::string text(content_type);
    std::replace_if(text.begin(), text.end(), is_control, ' ');
    return text;
}

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

} // namespace divan::wire
