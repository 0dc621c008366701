#include "config/ini.h"

#include "base/encoding.h"

#include <algorithm>
#include <cstdint>
#include <fmt/format.h>
#include <vector>

namespace divan::config {
namespace {

std::string_view trim(std::string_view text) {
    constexpr std::string_view kSpace = " \t\r";
    auto begin = text.find_first_not_of(kSpace);
    if (begin == std::string_view::npos)
        return {};
    return text.substr(begin, text.find_last_not_of(kSpace) - begin + 1);
}

// What stands before a comment: `;` at the beginning or behind white space.
std::string_view without_comment(std::string_view line) {
    for (std::size_t i = 0; i < line.size(); ++i)
        if (line[i] == ';' && (i == 0 || line[i - 1] == ' ' || line[i - 1] == '\t'))
            return line.substr(0, i);
    return line;
}

std::vector<std::string_view> split_lines(std::string_view text) {
    std::vector<std::string_view> lines;
    while (!text.empty()) {
        auto end = text.find('\n');
        lines.push_back(text.substr(0, end));
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    }
    return lines;
}

// A line as every reader here sees it.
struct Line {
    enum class Kind : std::uint8_t { blank, section, continuation, entry, malformed };
    Kind kind = Kind::blank;
    std::string_view name;  // of a section or an entry
    std::string_view value; // of an entry or a continuation
};

// `continues`: whether there is a value that an indented line would go on with.
Line classify(std::string_view line, bool continues) {
    auto content = trim(without_comment(line));
    if (content.empty())
        return {};
    if (content.size() >= 2 && content.front() == '[' && content.back() == ']')
        return {Line::Kind::section, trim(content.substr(1, content.size() - 2)), {}};
    if (continues && (line.front() == ' ' || line.front() == '\t'))
        return {Line::Kind::continuation, {}, content};
    auto equals = content.find('=');
    if (equals == std::string_view::npos || equals == 0)
        return {Line::Kind::malformed, content, {}};
    return {Line::Kind::entry, trim(content.substr(0, equals)), trim(content.substr(equals + 1))};
}

bool is_plain(std::string_view text) {
    return is_utf8(text) && trim(text) == text && without_comment(text) == text &&
           std::none_of(text.begin(), text.end(), [](char c) {
               return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f;
           });
}

} // namespace

Result<IniValues> parse_ini(std::string_view text) {
    IniValues values;
    std::string section;
    std::string *last = nullptr;
    std::size_t number = 0;
    for (auto line : split_lines(text)) {
        ++number;
        auto read = classify(line, last != nullptr);
        if (read.kind != Line::Kind::blank && !is_utf8(line))
            return Error(ErrorCode::bad_request, fmt::format("line {} is not UTF-8", number));
        switch (read.kind) {
        case Line::Kind::blank:
            continue;
        case Line::Kind::section:
            section = read.name;
            values[section];
            last = nullptr;
            break;
        case Line::Kind::continuation:
            last->append(" ").append(read.value);
            break;
        case Line::Kind::malformed:
            return Error(
                ErrorCode::bad_request,
                fmt::format("line {}: `{}` is neither [section] nor key = value", number, read.name));
        case Line::Kind::entry:
            if (section.empty())
                return Error(ErrorCode::bad_request,
                             fmt::format("line {}: a value before the first [section]", number));
            last = &values[section][std::string(read.name)];
            *last = read.value;
            break;
        }
    }
    return values;
}

bool ini_can_hold(std::string_view section, std::string_view key, std::string_view value) {
    return !section.empty() && !key.empty() && is_plain(section) && is_plain(key) && is_plain(value) &&
           section.find_first_of("[]") == std::string_view::npos &&
           key.find_first_of("=[]") == std::string_view::npos;
}

std::string change_ini(std::string_view text, std::string_view section, std::string_view key,
                       const std::string *value) {
    std::string out;
    bool in_section = false;
    bool continues = false; // there is a value above in this section
    bool dropping = false;  // and it is the one that was replaced
    bool done = false;
    std::size_t section_end = std::string::npos; // in `out`: behind the section's last line
    for (auto line : split_lines(text)) {
        auto read = classify(line, continues);
        if (read.kind == Line::Kind::section) {
            in_section = read.name == section;
            continues = dropping = false;
        } else if (read.kind == Line::Kind::entry) {
            continues = true;
            dropping = in_section && read.name == key;
            if (dropping && value != nullptr && !done) {
                out.append(fmt::format("{} = {}\n", key, *value));
                section_end = out.size();
                done = true;
            }
        }
        if (dropping && read.kind != Line::Kind::blank)
            continue;
        out.append(line).push_back('\n');
        if (in_section && read.kind != Line::Kind::blank)
            section_end = out.size();
    }
    if (done || value == nullptr)
        return out;
    auto entry = fmt::format("{} = {}\n", key, *value);
    if (section_end != std::string::npos)
        out.insert(section_end, entry);
    else
        out.append(out.empty() ? "" : "\n").append(fmt::format("[{}]\n{}", section, entry));
    return out;
}

} // namespace divan::config
