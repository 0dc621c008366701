#include "cli/progress_text.h"

#include <algorithm>
#include <fmt/format.h>

namespace divan::cli {

std::string grouped(std::uint64_t number) {
    auto text = std::to_string(number);
    for (auto at = static_cast<std::ptrdiff_t>(text.size()) - 3; at > 0; at -= 3)
        text.insert(static_cast<std::size_t>(at), 1, ',');
    return text;
}

std::string duration_text(std::chrono::seconds duration) {
    auto seconds = duration.count();
    if (seconds < 60)
        return fmt::format("{} s", seconds);
    if (seconds < 3'600)
        return fmt::format("{} min {} s", seconds / 60, seconds % 60);
    return fmt::format("{} h {} min", seconds / 3'600, seconds / 60 % 60);
}

std::string bytes_text(std::uint64_t bytes) {
    if (bytes < 1'000)
        return fmt::format("{} B", bytes);
    auto value = static_cast<double>(bytes);
    const char *unit = "";
    for (const char *larger : {"kB", "MB", "GB", "TB"}) {
        value /= 1'000;
        unit = larger;
        if (value < 999.95)
            break;
    }
    return fmt::format("{:.1f} {}", value, unit);
}

std::string bar_text(int percent) {
    constexpr int kWidth = 24;
    auto filled = static_cast<std::size_t>(std::clamp(percent, 0, 100) * kWidth / 100);
    return fmt::format("[{}{}]", std::string(filled, '#'), std::string(kWidth - filled, '-'));
}

} // namespace divan::cli
