#include "kv/memory/memory_engine.h"

#include "base/check.h"
#include "kv/memory/rows.h"
#include "kv/shard_locks.h"

#include <shared_mutex>

namespace divan::kv {
namespace {

class MemoryEngine;

class MemorySnapshot final : public Snapshot {
  public:
    explicit MemorySnapshot(MemoryEngine &engine);
    ~MemorySnapshot() override;
    [[nodiscard]] std::uint64_t pinned() const { return pinned_; }

  private:
    MemoryEngine &engine_;
    std::uint64_t pinned_;
};

class MemoryCommit final : public Commit {
  public:
    MemoryCommit(MemoryEngine &engine, ShardId shard, std::span<const KeyRef> reads,
                 std::uint32_t sequence_count);
    [[nodiscard]] Sequence first_sequence() const override { return first_sequence_; }
    [[nodiscard]] const std::vector<std::optional<std::string>> &values() const override { return values_; }
    Result<CommitOutcome> finish(WriteBatch batch, std::uint32_t sequences_used) override;

  private:
    MemoryEngine &engine_;
    ShardId shard_;
    ShardLocks::Lock lock_;
    std::uint32_t sequence_count_;
    Sequence first_sequence_;
    std::vector<std::optional<std::string>> values_;
    bool finished_ = false;
};

class MemoryEngine final : public Engine {
  public:
    [[nodiscard]] Capabilities capabilities() const override { return {.single_writer = true}; }

    Result<std::vector<std::optional<std::string>>> read(ShardId shard, std::span<const KeyRef> keys,
                                                         const Snapshot *snapshot) override {
        return read_values(shard, keys, commit_of(snapshot));
    }

    bool read_cached(ShardId shard, KeyRef key, std::optional<std::string> &value) override {
        check_key(key);
        std::shared_lock guard(mutex_);
        value = rows_.read(shard, key, MemoryRows::kNewest);
        return true;
    }

    Result<Page> scan(const ScanRequest &request) override {
        std::shared_lock guard(mutex_);
        return rows_.scan(request, commit_of(request.snapshot));
    }

    Result<std::vector<Page>> scan_many(std::span<const ScanRequest> requests) override {
        std::vector<Page> pages;
        std::shared_lock guard(mutex_);
        for (const auto &request : requests)
            pages.push_back(rows_.scan(request, commit_of(request.snapshot)));
        return pages;
    }

    Result<std::unique_ptr<Snapshot>> snapshot() override {
        return std::unique_ptr<Snapshot>(std::make_unique<MemorySnapshot>(*this));
    }

    Result<std::unique_ptr<Commit>> begin(ShardId shard, std::span<const KeyRef> reads,
                                          std::uint32_t sequence_count) override {
        return std::unique_ptr<Commit>(std::make_unique<MemoryCommit>(*this, shard, reads, sequence_count));
    }

    Result<void> stage(ShardId shard, WriteBatch batch) override {
        apply(shard, std::move(batch), 0);
        return {};
    }

    Result<CommitOutcome> stage_if(ShardId shard, KeyRef checkpoint,
                                   const std::optional<std::string> &expected, WriteBatch batch) override {
        check_key(checkpoint);
        std::lock_guard guard(mutex_);
        if (rows_.read(shard, checkpoint, MemoryRows::kNewest) != expected)
            return CommitOutcome::conflict;
        rows_.apply(shard, std::move(batch), 0);
        return CommitOutcome::committed;
    }

    Result<Sequence> last_sequence(ShardId shard) override {
        std::shared_lock guard(mutex_);
        return Sequence(rows_.last_sequence(shard));
    }

    Result<void> erase_shard(ShardId shard) override {
        MemoryRows::Shard removed; // destroyed after the mutex is free
        std::lock_guard guard(mutex_);
        removed = rows_.remove(shard);
        return {};
    }

    Result<std::uint64_t> approximate_bytes(ShardId shard) override {
        std::shared_lock guard(mutex_);
        return rows_.bytes(shard);
    }

    Result<void> compact_shard(ShardId /*shard*/) override { return {}; }
    Result<void> sync() override { return {}; }

    [[nodiscard]] EngineStats stats() override {
        std::shared_lock guard(mutex_);
        return {.memory_bytes = rows_.bytes()};
    }

    std::vector<std::optional<std::string>> read_values(ShardId shard, std::span<const KeyRef> keys,
                                                        std::uint64_t at) {
        std::vector<std::optional<std::string>> values;
        values.reserve(keys.size());
        std::shared_lock guard(mutex_);
        for (const auto &key : keys) {
            check_key(key);
            values.push_back(rows_.read(shard, key, at));
        }
        return values;
    }

    void apply(ShardId shard, WriteBatch batch, std::uint64_t last_sequence) {
        std::lock_guard guard(mutex_);
        rows_.apply(shard, std::move(batch), last_sequence);
    }

    ShardLocks::Lock lock(ShardId shard) { return locks_.lock(shard); }

    std::uint64_t pin() {
        std::lock_guard guard(mutex_);
        return rows_.pin();
    }

    void release(std::uint64_t pinned) {
        std::lock_guard guard(mutex_);
        rows_.release(pinned);
    }

  private:
    static std::uint64_t commit_of(const Snapshot *snapshot) {
        return snapshot == nullptr ? MemoryRows::kNewest
                                   : static_cast<const MemorySnapshot *>(snapshot)->pinned();
    }

    ShardLocks locks_;
    std::shared_mutex mutex_;
    MemoryRows rows_; // under mutex_
};

MemorySnapshot::MemorySnapshot(MemoryEngine &engine) : engine_(engine), pinned_(engine.pin()) {}

MemorySnapshot::~MemorySnapshot() {
    engine_.release(pinned_);
}

MemoryCommit::MemoryCommit(MemoryEngine &engine, ShardId shard, std::span<const KeyRef> reads,
                           std::uint32_t sequence_count)
    : engine_(engine), shard_(shard), lock_(engine.lock(shard)), sequence_count_(sequence_count),
      first_sequence_(engine.last_sequence(shard).value().value + 1),
      values_(engine.read_values(shard, reads, MemoryRows::kNewest)) {}

Result<CommitOutcome> MemoryCommit::finish(WriteBatch batch, std::uint32_t sequences_used) {
    DIVAN_CHECK(!finished_);
    DIVAN_CHECK(sequences_used <= sequence_count_);
    finished_ = true;
    auto last_sequence = sequences_used == 0 ? 0 : first_sequence_.value + sequences_used - 1;
    engine_.apply(shard_, std::move(batch), last_sequence);
    lock_.release();
    return CommitOutcome::committed;
}

} // namespace

std::unique_ptr<Engine> make_memory_engine() {
    return std::make_unique<MemoryEngine>();
}

} // namespace divan::kv
