#include "cli/test_report.h"

#include "json/writer.h"

#include <cstdio>
#include <fmt/format.h>

namespace divan::cli {
namespace {

constexpr std::size_t kDifferencesShownMax = 10;
constexpr std::size_t kValueBytesShownMax = 2'000;

constexpr std::string_view kGreen = "\033[32m";
constexpr std::string_view kRed = "\033[31m";
constexpr std::string_view kYellow = "\033[33m";
constexpr std::string_view kPlain = "\033[0m";

std::string painted(std::string_view text, std::string_view color, bool use) {
    return use ? fmt::format("{}{}{}", color, text, kPlain) : std::string(text);
}

std::string shown(const std::optional<json::Value> &value) {
    if (!value)
        return "nothing";
    auto text = json::to_text(*value);
    if (text.size() <= kValueBytesShownMax)
        return text;
    auto end = kValueBytesShownMax;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80)
        --end;
    return text.substr(0, end) + "...";
}

// Every line of a text, indented.
std::string indented(std::string_view text) {
    std::string out = "      ";
    for (char c : text) {
        out.push_back(c);
        if (c == '\n')
            out += "      ";
    }
    return out + "\n";
}

} // namespace

std::string result_lines(const CaseResult &result, bool color) {
    auto mark = result.ok() ? painted(color ? "\u2713" : "ok  ", kGreen, color)
                            : painted(color ? "\u2717" : "FAIL", kRed, color);
    auto out = fmt::format("  {} {}\n", mark, result.name.empty() ? "not run" : result.name);
    if (!result.reason.empty())
        out += indented(result.reason);
    std::size_t shown_count = 0;
    for (const auto &difference : result.differences) {
        if (shown_count++ == kDifferencesShownMax) {
            out += indented(fmt::format("and {} more", result.differences.size() - kDifferencesShownMax));
            break;
        }
        out += fmt::format("      {}: expected {}\n", difference.where,
                           painted(shown(difference.expected), kGreen, color));
        out += fmt::format("      {:{}}  got      {}\n", "", difference.where.size(),
                           painted(shown(difference.got), kRed, color));
    }
    return out;
}

std::string result_json(std::string_view file, const CaseResult &result) {
    std::string out;
    json::ObjectWriter writer(out);
    writer.member("file", file);
    if (result.name.empty())
        writer.null("name");
    else
        writer.member("name", std::string_view(result.name));
    writer.member("ok", result.ok());
    writer.raw("milliseconds", fmt::format("{:.1f}", result.took.count()));
    if (!result.reason.empty())
        writer.member("reason", std::string_view(result.reason));
    if (!result.differences.empty()) {
        writer.key("differences");
        char separator = '[';
        for (const auto &difference : result.differences) {
            out.push_back(std::exchange(separator, ','));
            json::ObjectWriter inner(out);
            inner.member("where", std::string_view(difference.where));
            if (difference.expected)
                inner.value("expected", *difference.expected);
            if (difference.got)
                inner.value("got", *difference.got);
            inner.close();
        }
        out.push_back(']');
    }
    writer.close();
    return out;
}

void TestReport::begin_file(const TestFile &file) {
    file_ = file.name;
    if (style_ != Style::json)
        fmt::print("{}\n", file_);
}

void TestReport::hint(std::string_view text) {
    if (style_ == Style::json)
        fmt::print(stderr, "divan: {}: hint: {}\n", file_, text);
    else
        fmt::print("  {} {}\n", painted("hint", kYellow, style_ == Style::color), text);
}

void TestReport::add(const CaseResult &result) {
    ++(result.ok() ? passed_ : failed_);
    if (style_ == Style::json)
        fmt::print("{}\n", result_json(file_, result));
    else
        fmt::print("{}", result_lines(result, style_ == Style::color));
    std::fflush(stdout);
}

void TestReport::end(std::chrono::duration<double> took) const {
    if (style_ == Style::json)
        return;
    auto failed = painted(fmt::format("{} failed", failed_), kRed, style_ == Style::color && failed_ > 0);
    fmt::print("{} passed, {} in {:.1f} s\n", passed_, failed, took.count());
}

} // namespace divan::cli
