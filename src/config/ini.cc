#include "config/ini.h"

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

bool is_section(std::string_view line, std::string_view &name) {
    auto trimmed = trim(without_comment(line));
    if (trimmed.size() < 2 || trimmed.front() != '[' || trimmed.back() != ']')
        return false;
    name = trim(trimmed.substr(1, trimmed.size() - 2));
    return true;
}

std::string_view key_of(std::string_view line) {
    auto content = without_comment(line);
    auto equals = content.find('=');
    return equals == std::string_view::npos ? std::string_view() : trim(content.substr(0, equals));
}

} // namespace

Result<IniValues> parse_ini(std::string_view text) {
    IniValues values;
    std::string section;
    std::string *last = nullptr;
    std::size_t number = 0;
    for (auto line : split_lines(text)) {
        ++number;
        std::string_view name;
        auto content = trim(without_comment(line));
        if (content.empty())
            continue;
        if (is_section(line, name)) {
            section = name;
            values[section];
            last = nullptr;
            continue;
        }
        if ((line.front() == ' ' || line.front() == '\t') && last != nullptr) {
            last->append(" ").append(content);
            continue;
        }
        auto equals = content.find('=');
        if (equals == std::string_view::npos || equals == 0)
            return Error(ErrorCode::bad_request,
                         fmt::format("line {}: `{}` is neither [section] nor key = value", number, content));
        if (section.empty())
            return Error(ErrorCode::bad_request,
                         fmt::format("line {}: a value before the first [section]", number));
        auto &value = values[section][std::string(trim(content.substr(0, equals)))];
        value = trim(content.substr(equals + 1));
        last = &value;
    }
    return values;
}

std::string change_ini(std::string_view text, std::string_view section, std::string_view key,
                       const std::string *value) {
    std::string out;
    std::string_view current;
    bool in_section = false;
    bool done = false;
    auto lines = split_lines(text);
    std::size_t section_end = std::string::npos; // in `out`: behind the section's last line
    bool skipping = false;
    for (auto line : lines) {
        std::string_view name;
        if (is_section(line, name)) {
            current = name;
            in_section = current == section;
            skipping = false;
        } else if (skipping && !line.empty() && (line.front() == ' ' || line.front() == '\t') &&
                   !trim(line).empty()) {
            continue; // continues the value that was replaced
        } else if (in_section && key_of(line) == key) {
            skipping = true;
            if (value != nullptr && !done) {
                out.append(fmt::format("{} = {}\n", key, *value));
                section_end = out.size();
            }
            done = true;
            continue;
        } else {
            skipping = false;
        }
        out.append(line).push_back('\n');
        if (in_section && !trim(line).empty())
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
