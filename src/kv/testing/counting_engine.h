#pragma once

// An engine that counts the calls made to another one, and can make each as slow as a round trip.
//
// Tests hold the cost of an operation against a budget of calls: what is cheap on an embedded
// engine is a round trip on a remote one.

#include "kv/engine.h"

#include <atomic>

namespace divan::kv {

// What was asked of the engine so far.
struct EngineCalls {
    std::uint64_t reads = 0; // calls; the keys of all of them below
    std::uint64_t read_keys = 0;
    std::uint64_t cached_reads = 0; // read_cached() that was answered
    std::uint64_t scans = 0;        // calls, of scan() and scan_many()
    std::uint64_t scan_rows = 0;    // rows returned
    std::uint64_t snapshots = 0;
    std::uint64_t begins = 0;
    std::uint64_t begin_keys = 0;
    std::uint64_t finishes = 0;
    std::uint64_t stages = 0;
    std::uint64_t sequence_reads = 0; // last_sequence()
    std::uint64_t size_reads = 0;     // approximate_bytes()
    std::uint64_t batch_entries = 0;  // of finish(), stage() and stage_if()
    std::uint64_t batch_bytes = 0;    // keys and values of finish(), stage() and stage_if()

    // Calls that a remote engine cannot answer without being asked over the network.
    [[nodiscard]] std::uint64_t round_trips() const {
        return reads + scans + snapshots + begins + finishes + stages + sequence_reads + size_reads;
    }

    friend bool operator==(const EngineCalls &, const EngineCalls &) = default;
    // What was asked between two countings.
    friend EngineCalls operator-(const EngineCalls &later, const EngineCalls &earlier);
};

// Thread-safe. Borrows the engine below, which outlives it. Background calls (erasing, compacting)
// go through uncounted.
class CountingEngine : public Engine {
  public:
    explicit CountingEngine(Engine &engine) : engine_(engine) {}

    [[nodiscard]] EngineCalls calls() const;

    // Makes every read, scan, snapshot, begin, finish, stage, last_sequence, approximate_bytes and sync take
    // this much longer. A latency above zero imitates a remote engine in all: read_cached() never answers and
    // the engine is not the single writer. Meant to be set before the engine is used.
    void set_latency(Millis latency) { latency_ms_ = latency.count(); }

    [[nodiscard]] Capabilities capabilities() const override;
    Result<std::vector<std::optional<std::string>>> read(ShardId shard, std::span<const KeyRef> keys,
                                                         const Snapshot *snapshot) override;
    bool read_cached(ShardId shard, KeyRef key, std::optional<std::string> &value) override;
    Result<Page> scan(const ScanRequest &request) override;
    Result<std::vector<Page>> scan_many(std::span<const ScanRequest> requests) override;
    Result<std::unique_ptr<Snapshot>> snapshot() override;
    Result<std::unique_ptr<Commit>> begin(ShardId shard, std::span<const KeyRef> reads,
                                          std::uint32_t sequence_count) override;
    Result<void> stage(ShardId shard, WriteBatch batch) override;
    Result<CommitOutcome> stage_if(ShardId shard, KeyRef checkpoint,
                                   const std::optional<std::string> &expected, WriteBatch batch) override;
    Result<Sequence> last_sequence(ShardId shard) override;
    Result<void> erase_shard(ShardId shard) override { return engine_.erase_shard(shard); }
    Result<std::uint64_t> approximate_bytes(ShardId shard) override;
    Result<void> compact_shard(ShardId shard) override { return engine_.compact_shard(shard); }
    Result<void> sync() override;
    [[nodiscard]] EngineStats stats() override { return engine_.stats(); }

  private:
    friend class CountingCommit;
    struct Counters {
        std::atomic<std::uint64_t> reads, read_keys, cached_reads, scans, scan_rows, snapshots, begins,
            begin_keys, finishes, stages, sequence_reads, size_reads, batch_entries, batch_bytes;
    };

    void travel() const;
    void count_batch(const WriteBatch &batch);

    Engine &engine_;
    std::atomic<std::int64_t> latency_ms_ = 0;
    Counters counters_{};
};

} // namespace divan::kv
