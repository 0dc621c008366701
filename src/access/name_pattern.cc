#include "access/name_pattern.h"

#include <algorithm>
#include <fmt/format.h>

namespace divan::access {

bool matches_pattern(std::string_view pattern, std::string_view name) {
    constexpr auto kNone = std::string_view::npos;
    std::size_t at = 0;
    std::size_t read = 0;
    std::size_t star = kNone; // the last `*` that was met, and how far the name goes with it
    std::size_t taken = 0;
    while (read < name.size()) {
        if (at < pattern.size() && pattern[at] == '*') {
            star = at++;
            taken = read;
        } else if (at < pattern.size() && pattern[at] == name[read]) {
            ++at;
            ++read;
        } else if (star != kNone) {
            at = star + 1;
            read = ++taken;
        } else {
            return false;
        }
    }
    return std::all_of(pattern.begin() + static_cast<std::ptrdiff_t>(at), pattern.end(),
                       [](char c) { return c == '*'; });
}

Result<void> check_pattern(std::string_view pattern) {
    constexpr std::size_t kBytesMax = 256;
    auto legal = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
               std::string_view("_$()+-/*").find(c) != std::string_view::npos;
    };
    if (pattern.empty() || pattern.size() > kBytesMax || !std::all_of(pattern.begin(), pattern.end(), legal))
        return Error(ErrorCode::bad_request,
                     fmt::format("`{}` is no pattern of database names: they have lowercase letters, digits "
                                 "and _$()+-/, and * stands for any of them.",
                                 pattern));
    return {};
}

} // namespace divan::access
