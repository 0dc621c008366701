#include "kv/testing/conformance.h"

#include "kv/memory/memory_engine.h"
#include "kv/rocksdb/rocksdb_engine.h"
#include "kv/testing/counting_engine.h"

namespace divan::kv {
namespace {

std::unique_ptr<Engine> open_rocksdb(const std::filesystem::path &directory, const Clock &clock) {
    return open_rocksdb_engine(
               {.directory = directory / "engine", .memory_bytes_max = 32 << 20, .clock = &clock})
        .value();
}

// Holds the counting engine to the same contract.
class CountedMemory final {
  public:
    static std::unique_ptr<Engine> open() {
        struct Both {
            std::unique_ptr<Engine> below = make_memory_engine();
            CountingEngine counting{*below};
        };
        auto both = std::make_shared<Both>();
        return std::make_unique<Forward>(both, both->counting);
    }

  private:
    // Owns the two.
    class Forward final : public Engine {
      public:
        Forward(std::shared_ptr<void> owned, Engine &engine) : owned_(std::move(owned)), engine_(engine) {}
        [[nodiscard]] Capabilities capabilities() const override { return engine_.capabilities(); }
        Result<std::vector<std::optional<std::string>>> read(ShardId shard, std::span<const KeyRef> keys,
                                                             const Snapshot *snapshot) override {
            return engine_.read(shard, keys, snapshot);
        }
        bool read_cached(ShardId shard, KeyRef key, std::optional<std::string> &value) override {
            return engine_.read_cached(shard, key, value);
        }
        Result<Page> scan(const ScanRequest &request) override { return engine_.scan(request); }
        Result<std::vector<Page>> scan_many(std::span<const ScanRequest> requests) override {
            return engine_.scan_many(requests);
        }
        Result<std::unique_ptr<Snapshot>> snapshot() override { return engine_.snapshot(); }
        Result<std::unique_ptr<Commit>> begin(ShardId shard, std::span<const KeyRef> reads,
                                              std::uint32_t sequence_count) override {
            return engine_.begin(shard, reads, sequence_count);
        }
        Result<void> stage(ShardId shard, WriteBatch batch) override {
            return engine_.stage(shard, std::move(batch));
        }
        Result<CommitOutcome> stage_if(ShardId shard, KeyRef checkpoint,
                                       const std::optional<std::string> &expected,
                                       WriteBatch batch) override {
            return engine_.stage_if(shard, checkpoint, expected, std::move(batch));
        }
        Result<Sequence> last_sequence(ShardId shard) override { return engine_.last_sequence(shard); }
        Result<void> erase_shard(ShardId shard) override { return engine_.erase_shard(shard); }
        Result<std::uint64_t> approximate_bytes(ShardId shard) override {
            return engine_.approximate_bytes(shard);
        }
        Result<void> compact_shard(ShardId shard) override { return engine_.compact_shard(shard); }
        Result<void> sync() override { return engine_.sync(); }
        [[nodiscard]] EngineStats stats() override { return engine_.stats(); }

      private:
        std::shared_ptr<void> owned_;
        Engine &engine_;
    };
};

} // namespace

INSTANTIATE_TEST_SUITE_P(
    Engines, Conformance,
    testing::Values(EngineCase{"memory", [](auto &, auto &) { return make_memory_engine(); }},
                    EngineCase{"rocksdb", open_rocksdb, true},
                    EngineCase{"counting", [](auto &, auto &) { return CountedMemory::open(); }}),
    [](const auto &engine) { return engine.param.name; });

} // namespace divan::kv
