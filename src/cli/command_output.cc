#include "cli/command_output.h"

#include <cstdio>
#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

namespace divan::cli {
namespace {

constexpr std::size_t kColumns = 80;

// A line that wraps could not be replaced.
std::size_t columns() {
    winsize size{};
    bool known = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 1;
    return known ? size.ws_col : kColumns;
}

// At the beginning of a character.
std::string cut(const std::string &text, std::size_t width) {
    if (text.size() < width)
        return text;
    auto end = width - 1;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80)
        --end;
    return text.substr(0, end);
}

} // namespace

CommandOutput::CommandOutput(bool json, bool quiet)
    : json_(json), quiet_(quiet), on_terminal_(!json && !quiet && isatty(STDOUT_FILENO) != 0) {}

void CommandOutput::clear() {
    if (!std::exchange(shows_, false))
        return;
    fmt::print("\r\033[K");
    std::fflush(stdout);
}

void CommandOutput::line(const std::string &text) {
    if (json_ || quiet_)
        return;
    clear();
    fmt::print("{}\n", text);
    std::fflush(stdout);
}

void CommandOutput::show(const std::string &text) {
    if (!on_terminal_)
        return;
    fmt::print("\r\033[K{}", cut(text, columns()));
    std::fflush(stdout);
    shows_ = true;
}

void CommandOutput::error(const std::string &text) {
    clear();
    fmt::print(stderr, "divan: {}\n", text);
}

void CommandOutput::event(std::string_view name, const std::function<void(json::ObjectWriter &)> &members) {
    if (!json_)
        return;
    std::string text;
    json::ObjectWriter writer(text);
    writer.member("event", name);
    members(writer);
    writer.close();
    fmt::print("{}\n", text);
    std::fflush(stdout);
}

} // namespace divan::cli
