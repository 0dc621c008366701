#include "db/verdicts.h"

namespace divan::db {
namespace {

constexpr std::uint8_t kDecided = 1;
constexpr std::uint8_t kShown = 2;

} // namespace

std::vector<std::optional<bool>> Verdicts::find(const std::string &digest,
                                                std::span<const kv::Sequence> sequences) const {
    std::vector<std::optional<bool>> found(sequences.size());
    std::lock_guard lock(mutex_);
    auto blocks = by_digest_.find(digest);
    if (blocks == by_digest_.end())
        return found;
    for (std::size_t i = 0; i < sequences.size(); ++i) {
        auto sequence = sequences[i].value;
        auto block = blocks->second.find(sequence >> kBlockBits);
        if (block == blocks->second.end())
            continue;
        auto place = sequence & ((1u << kBlockBits) - 1);
        auto bits = static_cast<unsigned>((*block->second)[place / 4]) >> (place % 4 * 2);
        if ((bits & kDecided) != 0)
            found[i] = (bits & kShown) != 0;
    }
    return found;
}

void Verdicts::keep(const std::string &digest, std::span<const Verdict> verdicts, std::size_t bytes_max) {
    std::lock_guard lock(mutex_);
    if (block_count_ * sizeof(Block) >= bytes_max) {
        by_digest_.clear();
        block_count_ = 0;
    }
    auto &blocks = by_digest_[digest];
    for (const auto &[sequence, shown] : verdicts) {
        auto &block = blocks[sequence.value >> kBlockBits];
        if (!block) {
            block = std::make_unique<Block>();
            ++block_count_;
        }
        auto place = sequence.value & ((1u << kBlockBits) - 1);
        unsigned bits = kDecided | (shown ? kShown : 0u);
        (*block)[place / 4] |= static_cast<std::uint8_t>(bits << (place % 4 * 2));
    }
}

} // namespace divan::db
