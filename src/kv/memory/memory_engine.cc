#include "kv/memory/memory_engine.h"

#include "base/bytes.h"
#include "kv/shard_locks.h"

#include <array>
#include <map>
#include <set>
#include <shared_mutex>

namespace divan::kv {
namespace {

// A value from a version on; nullopt = erased.
struct Version {
    std::uint64_t since;
    std::optional<std::string> value;
};

class MemoryEngine;

class MemorySnapshot final : public Snapshot {
  public:
    MemorySnapshot(MemoryEngine &engine, std::uint64_t version) : engine_(engine), version_(version) {}
    ~MemorySnapshot() override;
    [[nodiscard]] std::uint64_t version() const { return version_; }

  private:
    MemoryEngine &engine_;
    std::uint64_t version_;
};

class MemoryCommit final : public Commit {
  public:
    MemoryCommit(MemoryEngine &engine, ShardId shard, Sequence first,
                 std::vector<std::optional<std::string>> values)
        : engine_(engine), shard_(shard), first_(first), values_(std::move(values)) {}
    ~MemoryCommit() override;
    [[nodiscard]] Sequence first_sequence() const override { return first_; }
    [[nodiscard]] const std::vector<std::optional<std::string>> &values() const override { return values_; }
    Result<CommitOutcome> finish(WriteBatch batch, std::uint32_t sequences_used) override;

  private:
    MemoryEngine &engine_;
    ShardId shard_;
    Sequence first_;
    std::vector<std::optional<std::string>> values_;
};

class MemoryEngine final : public Engine {
  public:
    [[nodiscard]] Capabilities capabilities() const override { return {.single_writer = true}; }

    Result<std::vector<std::optional<std::string>>> read(ShardId shard, std::span<const KeyRef> keys,
                                                         const Snapshot *snapshot) override {
        std::shared_lock lock(mutex_);
        return read_locked(shard, keys, version_of(snapshot));
    }

    bool read_cached(ShardId shard, KeyRef key, std::optional<std::string> &value) override {
        std::shared_lock lock(mutex_);
        value = std::move(read_locked(shard, std::span(&key, 1), kNewest).front());
        return true;
    }

    Result<Page> scan(const ScanRequest &request) override {
        std::shared_lock lock(mutex_);
        const auto &table = tables_[static_cast<std::size_t>(request.table)];
        auto begin = table.lower_bound(full_key(request.shard, request.begin));
        auto end = request.end.empty() ? table.lower_bound(full_key(ShardId(request.shard.value + 1), {}))
                                       : table.lower_bound(full_key(request.shard, request.end));
        Page page;
        if (begin == table.end() || (end != table.end() && end->first <= begin->first))
            return page;
        auto version = version_of(request.snapshot);
        auto take = [&](const auto &row) {
            const auto *value = visible(row.second, version);
            if (value == nullptr)
                return true;
            if (page.size() == request.rows_max || (!page.empty() && page.bytes() >= request.bytes_max)) {
                page.more = true;
                return false;
            }
            page.add(std::string_view(row.first).substr(4), request.keys_only ? std::string_view() : *value);
            return true;
        };
        if (request.reverse) {
            for (auto row = end; row != begin;)
                if (!take(*--row))
                    break;
        } else {
            for (auto row = begin; row != end && take(*row); ++row) {
            }
        }
        return page;
    }

    Result<std::unique_ptr<Snapshot>> snapshot() override {
        std::unique_lock lock(mutex_);
        snapshots_.insert(version_);
        return std::unique_ptr<Snapshot>(std::make_unique<MemorySnapshot>(*this, version_));
    }

    Result<std::unique_ptr<Commit>> begin(ShardId shard, std::span<const KeyRef> reads,
                                          std::uint32_t /*sequence_count*/) override {
        locks_.lock(shard);
        std::shared_lock lock(mutex_);
        return std::unique_ptr<Commit>(std::make_unique<MemoryCommit>(
            *this, shard, Sequence(last_locked(shard) + 1), read_locked(shard, reads, kNewest)));
    }

    Result<void> stage(ShardId shard, WriteBatch batch) override {
        std::unique_lock lock(mutex_);
        apply(shard, batch);
        return {};
    }

    Result<Sequence> last_sequence(ShardId shard) override {
        std::shared_lock lock(mutex_);
        return Sequence(last_locked(shard));
    }

    Result<void> erase_shard(ShardId shard) override {
        std::unique_lock lock(mutex_);
        ++version_;
        for (auto &table : tables_)
            table.erase(table.lower_bound(full_key(shard, {})),
                        table.lower_bound(full_key(ShardId(shard.value + 1), {})));
        return {};
    }

    Result<std::uint64_t> approximate_bytes(ShardId shard) override {
        std::shared_lock lock(mutex_);
        auto found = bytes_.find(shard.value);
        return found == bytes_.end() ? 0 : found->second;
    }

    Result<void> compact_shard(ShardId /*shard*/) override { return {}; }
    Result<void> sync() override { return {}; }

    EngineStats stats() override {
        std::shared_lock lock(mutex_);
        EngineStats stats;
        for (const auto &[shard, bytes] : bytes_)
            stats.memory_bytes += bytes;
        return stats;
    }

    Result<CommitOutcome> finish(ShardId shard, Sequence first, const WriteBatch &batch, std::uint32_t used) {
        std::unique_lock lock(mutex_);
        apply(shard, batch);
        if (used > 0)
            last_[shard.value] = first.value + used - 1;
        return CommitOutcome::committed;
    }

    void release(ShardId shard) { locks_.unlock(shard); }

    void release_snapshot(std::uint64_t version) {
        std::unique_lock lock(mutex_);
        snapshots_.erase(snapshots_.find(version));
    }

  private:
    using Rows = std::map<std::string, std::vector<Version>>;
    static constexpr std::uint64_t kNewest = ~std::uint64_t{0};

    static std::string full_key(ShardId shard, std::string_view key) {
        std::string full;
        append_u32(full, shard.value);
        full.append(key);
        return full;
    }

    static std::uint64_t version_of(const Snapshot *snapshot) {
        return snapshot == nullptr ? kNewest : static_cast<const MemorySnapshot *>(snapshot)->version();
    }

    static const std::string *visible(const std::vector<Version> &versions, std::uint64_t version) {
        for (auto v = versions.rbegin(); v != versions.rend(); ++v)
            if (v->since <= version)
                return v->value ? &*v->value : nullptr;
        return nullptr;
    }

    std::uint64_t last_locked(ShardId shard) const {
        auto found = last_.find(shard.value);
        return found == last_.end() ? 0 : found->second;
    }

    std::vector<std::optional<std::string>> read_locked(ShardId shard, std::span<const KeyRef> keys,
                                                        std::uint64_t version) const {
        std::vector<std::optional<std::string>> values;
        values.reserve(keys.size());
        for (const auto &key : keys) {
            const auto &table = tables_[static_cast<std::size_t>(key.table)];
            auto found = table.find(full_key(shard, key.key));
            const auto *value = found == table.end() ? nullptr : visible(found->second, version);
            values.push_back(value == nullptr ? std::optional<std::string>() : *value);
        }
        return values;
    }

    void apply(ShardId shard, const WriteBatch &batch) {
        ++version_;
        bytes_[shard.value] += batch.bytes();
        for (const auto &entry : batch.entries()) {
            auto &table = tables_[static_cast<std::size_t>(entry.table)];
            switch (entry.kind) {
            case WriteBatch::Kind::put:
                set(table, full_key(shard, entry.key), entry.value);
                break;
            case WriteBatch::Kind::erase:
            case WriteBatch::Kind::erase_once:
                set(table, full_key(shard, entry.key), std::nullopt);
                break;
            case WriteBatch::Kind::erase_range: {
                auto end = entry.value.empty() ? full_key(ShardId(shard.value + 1), {})
                                               : full_key(shard, entry.value);
                std::vector<std::string> keys;
                for (auto row = table.lower_bound(full_key(shard, entry.key));
                     row != table.end() && row->first < end; ++row)
                    keys.push_back(row->first);
                for (const auto &key : keys)
                    set(table, key, std::nullopt);
                break;
            }
            case WriteBatch::Kind::add: {
                auto key = full_key(shard, entry.key);
                auto found = table.find(key);
                const auto *old = found == table.end() ? nullptr : visible(found->second, kNewest);
                set(table, key, add_counters(old == nullptr ? std::string_view() : *old, entry.value));
                break;
            }
            }
        }
    }

    // Older versions stay only while a snapshot may see them.
    void set(Rows &table, const std::string &key, std::optional<std::string> value) {
        auto row = table.try_emplace(key).first;
        auto &versions = row->second;
        auto oldest_seen = snapshots_.empty() ? version_ : *snapshots_.begin();
        while (versions.size() > 1 && versions[1].since <= oldest_seen)
            versions.erase(versions.begin());
        if (!versions.empty() && (versions.back().since == version_ || snapshots_.empty()))
            versions.pop_back();
        if (value || !versions.empty())
            versions.push_back({version_, std::move(value)});
        if (versions.empty())
            table.erase(row);
    }

    std::shared_mutex mutex_;
    std::array<Rows, kTableCount> tables_;
    std::map<std::uint32_t, std::uint64_t> last_;
    std::map<std::uint32_t, std::uint64_t> bytes_;
    std::uint64_t version_ = 0;
    std::multiset<std::uint64_t> snapshots_;
    ShardLocks locks_;
};

MemorySnapshot::~MemorySnapshot() {
    engine_.release_snapshot(version_);
}

MemoryCommit::~MemoryCommit() {
    engine_.release(shard_);
}

Result<CommitOutcome> MemoryCommit::finish(WriteBatch batch, std::uint32_t sequences_used) {
    return engine_.finish(shard_, first_, batch, sequences_used);
}

} // namespace

std::unique_ptr<Engine> make_memory_engine() {
    return std::make_unique<MemoryEngine>();
}

} // namespace divan::kv
