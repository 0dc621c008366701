#pragma once

// How many changes lie in each block of sequences, so that `pending` is exact without a scan.
// Level 0 counts blocks of 128 sequences, level 1 blocks of 16,384.

#include <cstdint>

namespace divan::db {

inline constexpr std::uint8_t kChangeCountLevels = 2;
inline constexpr unsigned kChangeCountBits = 7;

[[nodiscard]] constexpr std::uint64_t change_block(std::uint64_t sequence, std::uint8_t level) {
    return sequence >> (kChangeCountBits * (level + 1u));
}

} // namespace divan::db
