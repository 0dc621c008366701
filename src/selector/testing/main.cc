// selector_match: reads lines {"selector": ..., "doc": ...} and answers each with a line: true, false, or the
// word of the error.

#include "selector/selector.h"
#include "json/parser.h"
#include "json/writer.h"

#include <iostream>
#include <string>

namespace {

std::string answer(const std::string &line) {
    const auto parsed = divan::json::parse(line);
    if (!parsed.ok() || !parsed->is_object())
        return "bad_line";
    const auto *selector = parsed->object().find("selector");
    const auto *document = parsed->object().find("doc");
    if (selector == nullptr || document == nullptr)
        return "bad_line";
    auto compiled = divan::selector::Selector::compile(*selector);
    if (!compiled.ok())
        return std::string(compiled.error().word());
    return divan::selector::Matcher(*compiled).matches(divan::json::to_text(*document)) ? "true" : "false";
}

} // namespace

int main() {
    for (std::string line; std::getline(std::cin, line);)
        std::cout << answer(line) << '\n';
    return std::cout.flush() ? 0 : 1;
}
