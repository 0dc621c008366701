#pragma once

// What was decided about the state that a document has at a sequence: whether handles with a certain digest
// show it. A sequence names one state for ever, so what was decided once is true as long as its row is there;
// feeds need not read documents again. Inside of db.
//
// Threads: any.

#include "kv/engine.h"

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

namespace divan::db {

class Verdicts {
  public:
    struct Verdict {
        kv::Sequence sequence;
        bool shown = false;
    };

    // In the order of the sequences; nullopt: not decided, or forgotten.
    [[nodiscard]] std::vector<std::optional<bool>> find(const std::string &digest,
                                                        std::span<const kv::Sequence> sequences) const;
    // Beyond `bytes_max` for all digests together everything that was known before is forgotten.
    void keep(const std::string &digest, std::span<const Verdict> verdicts, std::size_t bytes_max);

  private:
    static constexpr std::uint64_t kBlockBits = 12;
    // Two bits of each sequence: decided, and shown.
    using Block = std::array<std::uint8_t, (std::size_t{1} << kBlockBits) / 4>;
    using Blocks = std::unordered_map<std::uint64_t, std::unique_ptr<Block>>;

    mutable std::mutex mutex_;
    std::map<std::string, Blocks> by_digest_;
    std::size_t block_count_ = 0;
};

} // namespace divan::db
