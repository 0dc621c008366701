#include "simulation/simulated_disk.h"

#include "base/check.h"
#include "kv/memory/memory_engine.h"

namespace divan::simulation {

class SimulatedDisk::Commit final : public kv::Commit {
  public:
    Commit(SimulatedDisk &disk, kv::ShardId shard, std::unique_ptr<kv::Commit> commit)
        : disk_(disk), shard_(shard), commit_(std::move(commit)) {}

    [[nodiscard]] kv::Sequence first_sequence() const override { return commit_->first_sequence(); }
    [[nodiscard]] const std::vector<std::optional<std::string>> &values() const override {
        return commit_->values();
    }
    Result<kv::CommitOutcome> finish(kv::WriteBatch batch, std::uint32_t sequences_used) override {
        if (disk_.state_ != State::well)
            return ErrorCode::storage_failed;
        disk_.note({shard_, batch, sequences_used, true});
        if (disk_.fail_next_sync_) {
            disk_.fail_next_sync_ = false;
            disk_.state_ = State::refuses_writes;
            return ErrorCode::storage_failed;
        }
        disk_.sync();
        return commit_->finish(std::move(batch), sequences_used);
    }

  private:
    SimulatedDisk &disk_;
    kv::ShardId shard_;
    std::unique_ptr<kv::Commit> commit_;
};

class SimulatedDisk::Engine final : public kv::Engine {
  public:
    explicit Engine(SimulatedDisk &disk) : disk_(disk), rows_(*disk.rows_) {}

    [[nodiscard]] kv::Capabilities capabilities() const override { return rows_.capabilities(); }

    Result<std::vector<std::optional<std::string>>> read(kv::ShardId shard, std::span<const kv::KeyRef> keys,
                                                         const kv::Snapshot *snapshot) override {
        DIVAN_TRY_VOID(may_read());
        return rows_.read(shard, keys, snapshot);
    }
    bool read_cached(kv::ShardId shard, kv::KeyRef key, std::optional<std::string> &value) override {
        return may_read().ok() && rows_.read_cached(shard, key, value);
    }
    Result<kv::Page> scan(const kv::ScanRequest &request) override {
        DIVAN_TRY_VOID(may_read());
        DIVAN_TRY(auto page, rows_.scan(request));
        return seen(request, std::move(page));
    }
    Result<std::vector<kv::Page>> scan_many(std::span<const kv::ScanRequest> requests) override {
        DIVAN_TRY_VOID(may_read());
        return rows_.scan_many(requests);
    }
    Result<std::unique_ptr<kv::Snapshot>> snapshot() override {
        DIVAN_TRY_VOID(may_read());
        return rows_.snapshot();
    }
    Result<std::unique_ptr<kv::Commit>> begin(kv::ShardId shard, std::span<const kv::KeyRef> reads,
                                              std::uint32_t sequence_count) override {
        DIVAN_TRY_VOID(may_write());
        DIVAN_TRY(auto commit, rows_.begin(shard, reads, sequence_count));
        return std::unique_ptr<kv::Commit>(std::make_unique<Commit>(disk_, shard, std::move(commit)));
    }
    Result<void> stage(kv::ShardId shard, kv::WriteBatch batch) override {
        DIVAN_TRY_VOID(may_write());
        disk_.note({shard, batch});
        return rows_.stage(shard, std::move(batch));
    }
    Result<kv::CommitOutcome> stage_if(kv::ShardId shard, kv::KeyRef checkpoint,
                                       const std::optional<std::string> &expected,
                                       kv::WriteBatch batch) override {
        DIVAN_TRY_VOID(may_write());
        DIVAN_TRY(auto outcome, rows_.stage_if(shard, checkpoint, expected, batch));
        if (outcome == kv::CommitOutcome::committed)
            disk_.note({shard, std::move(batch)});
        return outcome;
    }
    Result<kv::Sequence> last_sequence(kv::ShardId shard) override {
        DIVAN_TRY_VOID(may_read());
        return rows_.last_sequence(shard);
    }
    Result<void> erase_shard(kv::ShardId shard) override {
        DIVAN_TRY_VOID(may_write());
        disk_.note({.shard = shard, .erases_shard = true});
        disk_.sync();
        return rows_.erase_shard(shard);
    }
    Result<std::uint64_t> approximate_bytes(kv::ShardId shard) override {
        DIVAN_TRY_VOID(may_read());
        return rows_.approximate_bytes(shard);
    }
    Result<void> compact_shard(kv::ShardId shard) override { return rows_.compact_shard(shard); }
    Result<void> sync() override {
        DIVAN_TRY_VOID(may_write());
        disk_.sync();
        return {};
    }
    [[nodiscard]] kv::EngineStats stats() override { return rows_.stats(); }

  private:
    [[nodiscard]] Result<void> may_read() const {
        return disk_.state_ == State::off ? Result<void>(ErrorCode::storage_failed) : Result<void>();
    }
    [[nodiscard]] Result<void> may_write() const {
        return disk_.state_ == State::well ? Result<void>() : Result<void>(ErrorCode::storage_failed);
    }

    // The planted mistake of readers: a row of the feed is missing, and what comes behind it is not.
    kv::Page seen(const kv::ScanRequest &request, kv::Page page) {
        bool of_feed = request.table == kv::Table::sequences && !request.keys_only && !page.empty();
        if (!of_feed || disk_.honest_ || !disk_.dice_.permille(disk_.bugs_.skipped_sequences_permille))
            return page;
        auto skipped = disk_.dice_.below(page.size());
        kv::Page others;
        for (std::size_t row = 0; row < page.size(); ++row)
            if (row != skipped)
                others.add(page.key(row), page.value(row));
        others.more = page.more && !others.empty();
        return others;
    }

    SimulatedDisk &disk_;
    kv::Engine &rows_;
};

SimulatedDisk::SimulatedDisk(Dice dice, DiskBugs bugs) : dice_(std::move(dice)), bugs_(bugs) {}

SimulatedDisk::~SimulatedDisk() = default;

void SimulatedDisk::sync() {
    if (!dice_.percent(bugs_.lost_syncs_percent))
        durable_ = journal_.size();
}

kv::Engine &SimulatedDisk::open() {
    engine_.reset();
    rows_ = kv::make_memory_engine();
    for (const auto &write : journal_) {
        if (write.erases_shard) {
            DIVAN_CHECK(rows_->erase_shard(write.shard).ok());
        } else if (write.commit) {
            auto commit = rows_->begin(write.shard, {}, write.sequences).value();
            DIVAN_CHECK(commit->finish(write.batch, write.sequences).ok());
        } else {
            DIVAN_CHECK(rows_->stage(write.shard, write.batch).ok());
        }
    }
    durable_ = journal_.size();
    state_ = State::well;
    engine_ = std::make_unique<Engine>(*this);
    return *engine_;
}

void SimulatedDisk::cut_power() {
    if (state_ == State::off)
        return;
    state_ = State::off;
    fail_next_sync_ = false;
    auto left = durable_ + dice_.below(journal_.size() - durable_ + 1);
    journal_.erase(journal_.begin() + static_cast<std::ptrdiff_t>(left), journal_.end());
    durable_ = journal_.size();
}

} // namespace divan::simulation
