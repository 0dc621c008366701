#include "kv/testing/counting_engine.h"

#include "kv/memory/memory_engine.h"

#include <gtest/gtest.h>

namespace divan::kv {
namespace {

constexpr ShardId kShard{1};

TEST(CountingEngine, CountsByKind) {
    auto below = make_memory_engine();
    CountingEngine engine(*below);
    std::vector<KeyRef> keys = {{Table::documents, "a"}, {Table::documents, "b"}};

    auto commit = engine.begin(kShard, keys, 1).value();
    WriteBatch batch;
    batch.put(Table::documents, "a", "123");
    batch.put(Table::documents, "b", "1");
    EXPECT_TRUE(commit->finish(std::move(batch), 1).ok());
    auto written = engine.calls();
    EXPECT_EQ(
        written,
        (EngineCalls{.begins = 1, .begin_keys = 2, .finishes = 1, .batch_entries = 2, .batch_bytes = 6}));

    auto snapshot = engine.snapshot().value();
    EXPECT_EQ(engine.read(kShard, keys, snapshot.get())->size(), 2);
    EXPECT_EQ(engine.scan({.shard = kShard, .rows_max = 1})->size(), 1);
    std::optional<std::string> value;
    EXPECT_TRUE(engine.read_cached(kShard, keys[0], value));
    EXPECT_EQ(
        engine.calls() - written,
        (EngineCalls{
            .reads = 1, .read_keys = 2, .cached_reads = 1, .scans = 1, .scan_rows = 1, .snapshots = 1}));
}

TEST(CountingEngine, ImitatesARemoteEngine) {
    auto below = make_memory_engine();
    CountingEngine engine(*below);
    EXPECT_TRUE(engine.capabilities().single_writer);
    engine.set_latency(Millis(20));
    EXPECT_FALSE(engine.capabilities().single_writer);
    std::optional<std::string> value;
    EXPECT_FALSE(engine.read_cached(kShard, {Table::documents, "a"}, value));
    SystemClock clock;
    auto start = clock.monotonic();
    EXPECT_TRUE(engine.read(kShard, {}, nullptr).ok());
    EXPECT_GE(clock.monotonic() - start, Millis(20));
}

} // namespace
} // namespace divan::kv
