#pragma once

// The rows of the memory engine: ordered maps whose rows keep the versions that snapshots need.
//
// Invariants:
// 1. Commits are numbered from 1; a row's versions have ascending numbers.
// 2. A version is kept while it is the newest of its row, or a live snapshot lies between it and
//    its successor.
// 3. A row whose newest version is an erasure exists only while an older version is kept, and such
//    rows, like all with more than one version, are listed in `replaced_`.
//
// Not thread-safe: the engine holds its mutex around every call.

#include "kv/engine.h"

#include <array>
#include <deque>
#include <map>
#include <set>
#include <unordered_map>

namespace divan::kv {

class MemoryRows {
  public:
    // What to read: the newest state, or that of a snapshot.
    static constexpr std::uint64_t kNewest = ~std::uint64_t{0};

    [[nodiscard]] std::optional<std::string> read(ShardId shard, KeyRef key, std::uint64_t at) const;
    [[nodiscard]] Page scan(const ScanRequest &request, std::uint64_t at) const;

    // Applies a batch as one commit. `last_sequence` of 0 leaves the shard's as it is.
    void apply(ShardId shard, WriteBatch batch, std::uint64_t last_sequence);
    [[nodiscard]] std::uint64_t last_sequence(ShardId shard) const;

    // Pins the newest state and returns its number; each pin is released once.
    [[nodiscard]] std::uint64_t pin();
    void release(std::uint64_t pinned);

    struct Version {
        std::uint64_t commit;
        std::optional<std::string> value; // nullopt: erased
    };
    using Versions = std::vector<Version>;
    using Table = std::map<std::string, Versions, std::less<>>;
    struct Shard {
        std::array<Table, kTableCount> tables;
        std::uint64_t last_sequence = 0;
        std::uint64_t bytes = 0; // of keys and values, all versions
    };

    // Takes a shard out, to be destroyed where it holds nobody up.
    [[nodiscard]] Shard remove(ShardId shard);
    [[nodiscard]] std::uint64_t bytes(ShardId shard) const;
    [[nodiscard]] std::uint64_t bytes() const;

  private:
    struct Replaced {
        std::uint64_t commit; // that replaced something
        ShardId shard;
        kv::Table table;
        std::string key;
    };

    void write(ShardId shard, kv::Table table, const std::string &key, std::optional<std::string> value);
    void erase_range(ShardId shard, kv::Table table, const std::string &begin, const std::string &end);
    void collect(const Replaced &replaced, std::uint64_t oldest_pin);

    std::unordered_map<ShardId, Shard> shards_;
    std::uint64_t commit_ = 0;
    std::multiset<std::uint64_t> pins_;
    std::deque<Replaced> replaced_; // by commit
};

} // namespace divan::kv
