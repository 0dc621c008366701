#include "kv/testing/counting_engine.h"

#include <thread>

namespace divan::kv {

class CountingCommit final : public Commit {
  public:
    CountingCommit(CountingEngine &engine, std::unique_ptr<Commit> commit)
        : engine_(engine), commit_(std::move(commit)) {}

    [[nodiscard]] Sequence first_sequence() const override { return commit_->first_sequence(); }
    [[nodiscard]] const std::vector<std::optional<std::string>> &values() const override {
        return commit_->values();
    }
    Result<CommitOutcome> finish(WriteBatch batch, std::uint32_t sequences_used) override {
        ++engine_.counters_.finishes;
        engine_.count_batch(batch);
        engine_.travel();
        return commit_->finish(std::move(batch), sequences_used);
    }

  private:
    CountingEngine &engine_;
    std::unique_ptr<Commit> commit_;
};

EngineCalls operator-(const EngineCalls &later, const EngineCalls &earlier) {
    return {
        .reads = later.reads - earlier.reads,
        .read_keys = later.read_keys - earlier.read_keys,
        .cached_reads = later.cached_reads - earlier.cached_reads,
        .scans = later.scans - earlier.scans,
        .scan_rows = later.scan_rows - earlier.scan_rows,
        .snapshots = later.snapshots - earlier.snapshots,
        .begins = later.begins - earlier.begins,
        .begin_keys = later.begin_keys - earlier.begin_keys,
        .finishes = later.finishes - earlier.finishes,
        .stages = later.stages - earlier.stages,
        .sequence_reads = later.sequence_reads - earlier.sequence_reads,
        .size_reads = later.size_reads - earlier.size_reads,
        .batch_entries = later.batch_entries - earlier.batch_entries,
        .batch_bytes = later.batch_bytes - earlier.batch_bytes,
    };
}

EngineCalls CountingEngine::calls() const {
    return {
        .reads = counters_.reads,
        .read_keys = counters_.read_keys,
        .cached_reads = counters_.cached_reads,
        .scans = counters_.scans,
        .scan_rows = counters_.scan_rows,
        .snapshots = counters_.snapshots,
        .begins = counters_.begins,
        .begin_keys = counters_.begin_keys,
        .finishes = counters_.finishes,
        .stages = counters_.stages,
        .sequence_reads = counters_.sequence_reads,
        .size_reads = counters_.size_reads,
        .batch_entries = counters_.batch_entries,
        .batch_bytes = counters_.batch_bytes,
    };
}

void CountingEngine::travel() const {
    if (auto latency_ms = latency_ms_.load(); latency_ms > 0)
        std::this_thread::sleep_for(Millis(latency_ms));
}

void CountingEngine::count_batch(const WriteBatch &batch) {
    counters_.batch_entries += batch.entries().size();
    counters_.batch_bytes += batch.bytes();
}

Capabilities CountingEngine::capabilities() const {
    auto capabilities = engine_.capabilities();
    if (latency_ms_ > 0)
        capabilities.single_writer = false;
    return capabilities;
}

Result<std::vector<std::optional<std::string>>>
CountingEngine::read(ShardId shard, std::span<const KeyRef> keys, const Snapshot *snapshot) {
    ++counters_.reads;
    counters_.read_keys += keys.size();
    travel();
    return engine_.read(shard, keys, snapshot);
}

bool CountingEngine::read_cached(ShardId shard, KeyRef key, std::optional<std::string> &value) {
    if (latency_ms_ > 0 || !engine_.read_cached(shard, key, value))
        return false;
    ++counters_.cached_reads;
    return true;
}

Result<Page> CountingEngine::scan(const ScanRequest &request) {
    ++counters_.scans;
    travel();
    auto page = engine_.scan(request);
    if (page.ok())
        counters_.scan_rows += page->size();
    return page;
}

Result<std::vector<Page>> CountingEngine::scan_many(std::span<const ScanRequest> requests) {
    ++counters_.scans;
    travel();
    auto pages = engine_.scan_many(requests);
    if (pages.ok())
        for (const auto &page : *pages)
            counters_.scan_rows += page.size();
    return pages;
}

Result<std::unique_ptr<Snapshot>> CountingEngine::snapshot() {
    ++counters_.snapshots;
    travel();
    return engine_.snapshot();
}

Result<std::unique_ptr<Commit>> CountingEngine::begin(ShardId shard, std::span<const KeyRef> reads,
                                                      std::uint32_t sequence_count) {
    ++counters_.begins;
    counters_.begin_keys += reads.size();
    travel();
    DIVAN_TRY(auto commit, engine_.begin(shard, reads, sequence_count));
    return std::unique_ptr<Commit>(std::make_unique<CountingCommit>(*this, std::move(commit)));
}

Result<void> CountingEngine::stage(ShardId shard, WriteBatch batch) {
    ++counters_.stages;
    count_batch(batch);
    travel();
    return engine_.stage(shard, std::move(batch));
}

Result<CommitOutcome> CountingEngine::stage_if(ShardId shard, KeyRef checkpoint,
                                               const std::optional<std::string> &expected, WriteBatch batch) {
    ++counters_.stages;
    count_batch(batch);
    travel();
    return engine_.stage_if(shard, checkpoint, expected, std::move(batch));
}

Result<Sequence> CountingEngine::last_sequence(ShardId shard) {
    ++counters_.sequence_reads;
    travel();
    return engine_.last_sequence(shard);
}

Result<std::uint64_t> CountingEngine::approximate_bytes(ShardId shard) {
    ++counters_.size_reads;
    travel();
    return engine_.approximate_bytes(shard);
}

Result<void> CountingEngine::sync() {
    travel();
    return engine_.sync();
}

} // namespace divan::kv
