#pragma once

// Figures as people read them. Pure.

#include <chrono>
#include <cstdint>
#include <string>

namespace divan::cli {

// "12,345"
[[nodiscard]] std::string grouped(std::uint64_t number);
// "45 s", "3 min 5 s", "2 h 10 min"
[[nodiscard]] std::string duration_text(std::chrono::seconds duration);
// "512 B", "3.1 kB", "2.9 MB", "1.2 GB"
[[nodiscard]] std::string bytes_text(std::uint64_t bytes);
// "[######------]" of a percentage, at most 100.
[[nodiscard]] std::string bar_text(int percent);

} // namespace divan::cli
