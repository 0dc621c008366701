// Any text parses or is refused; a change shows exactly that change and leaves every other value alone.
// The input: a section, a key and a value, a line each, then the file.

#include "config/ini.h"

#include <cstdlib>

namespace {

std::string take_line(std::string_view &text) {
    auto end = text.find('\n');
    std::string line(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    return line;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char *data, std::size_t size) {
    using namespace divan::config;
    std::string_view text(reinterpret_cast<const char *>(data), size);
    auto section = take_line(text);
    auto key = take_line(text);
    auto value = take_line(text);
    auto before = parse_ini(text);
    if (!before.ok() || !ini_can_hold(section, key, value))
        return 0;

    auto expected = *before;
    expected[section][key] = value;
    auto with = change_ini(text, section, key, &value);
    auto after = parse_ini(with);
    if (!after.ok() || *after != expected)
        std::abort();

    expected[section].erase(key);
    auto without = parse_ini(change_ini(with, section, key, nullptr));
    if (!without.ok() || *without != expected)
        std::abort();
    return 0;
}
