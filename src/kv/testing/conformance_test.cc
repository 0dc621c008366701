// The engine contract as a test, run against every engine.

#include "base/bytes.h"
#include "kv/memory/memory_engine.h"
#include "kv/rocksdb/rocksdb_engine.h"

#include <atomic>
#include <filesystem>
#include <functional>
#include <gtest/gtest.h>
#include <set>
#include <thread>

namespace divan::kv {
namespace {

class TempDirectory {
  public:
    TempDirectory() {
        std::string pattern = (std::filesystem::temp_directory_path() / "divan-kv-XXXXXX").string();
        path_ = mkdtemp(pattern.data());
    }
    ~TempDirectory() { std::filesystem::remove_all(path_); }
    [[nodiscard]] const std::string &path() const { return path_; }

  private:
    std::string path_;
};

class Conformance : public testing::TestWithParam<std::string> {
  protected:
    void SetUp() override { open(); }

    void open() {
        engine_.reset();
        if (GetParam() == "memory") {
            engine_ = make_memory_engine();
            return;
        }
        auto opened = open_rocksdb_engine({.directory = directory_.path(), .memory_bytes_max = 32 << 20});
        ASSERT_TRUE(opened.ok()) << opened.error().reason();
        engine_ = std::move(opened).value();
    }

    Sequence commit(ShardId shard, const std::function<void(WriteBatch &)> &fill,
                    std::uint32_t sequences = 0) {
        auto commit = engine_->begin(shard, {}, sequences);
        EXPECT_TRUE(commit.ok());
        WriteBatch batch;
        fill(batch);
        auto first = (*commit)->first_sequence();
        auto outcome = (*commit)->finish(std::move(batch), sequences);
        EXPECT_TRUE(outcome.ok() && *outcome == CommitOutcome::committed);
        return first;
    }

    void put(ShardId shard, const std::string &key, const std::string &value,
             Table table = Table::documents) {
        commit(shard, [&](WriteBatch &batch) { batch.put(table, key, value); });
    }

    std::optional<std::string> get(ShardId shard, std::string_view key, Table table = Table::documents,
                                   const Snapshot *snapshot = nullptr) {
        KeyRef ref{table, key};
        auto values = engine_->read(shard, std::span(&ref, 1), snapshot);
        EXPECT_TRUE(values.ok());
        return values->front();
    }

    std::string keys(ScanRequest request) {
        auto page = engine_->scan(request);
        EXPECT_TRUE(page.ok());
        std::string text;
        for (std::size_t i = 0; i < page->size(); ++i)
            text += std::string(page->key(i)) + (request.keys_only ? "" : "=" + std::string(page->value(i))) +
                    " ";
        return text + (page->more ? "more" : "");
    }

    TempDirectory directory_;
    std::unique_ptr<Engine> engine_;
};

TEST_P(Conformance, ReadsWhatWasCommitted) {
    put(ShardId(1), "a", "1");
    put(ShardId(2), "a", "2");
    EXPECT_EQ(get(ShardId(1), "a"), "1");
    EXPECT_EQ(get(ShardId(2), "a"), "2");
    EXPECT_EQ(get(ShardId(1), "b"), std::nullopt);
    EXPECT_EQ(get(ShardId(1), "a", Table::index), std::nullopt) << "tables are apart";
    std::vector<KeyRef> refs{{Table::documents, "b"}, {Table::documents, "a"}};
    EXPECT_EQ(*engine_->read(ShardId(1), refs), (std::vector<std::optional<std::string>>{std::nullopt, "1"}));
    std::optional<std::string> value;
    if (engine_->read_cached(ShardId(1), {Table::documents, "a"}, value))
        EXPECT_EQ(value, "1");
}

TEST_P(Conformance, ScansRangesBothWays) {
    for (const char *key : {"a", "b", "c", "d"})
        put(ShardId(1), key, key);
    put(ShardId(0), "z", "other");
    put(ShardId(2), "A", "other");
    EXPECT_EQ(keys({.shard = ShardId(1), .begin = "b", .end = "d"}), "b=b c=c ");
    EXPECT_EQ(keys({.shard = ShardId(1), .begin = "b", .end = ""}), "b=b c=c d=d ");
    EXPECT_EQ(keys({.shard = ShardId(1), .begin = "", .end = "", .reverse = true}), "d=d c=c b=b a=a ");
    EXPECT_EQ(keys({.shard = ShardId(1), .begin = "", .end = "c", .reverse = true, .rows_max = 1}),
              "b=b more");
    EXPECT_EQ(keys({.shard = ShardId(1), .begin = "", .end = "", .rows_max = 4}), "a=a b=b c=c d=d ");
    EXPECT_EQ(keys({.shard = ShardId(1), .begin = "", .end = "", .keys_only = true, .rows_max = 2}),
              "a b more");
    EXPECT_EQ(keys({.shard = ShardId(1), .begin = "", .end = "", .bytes_max = 1}), "a=a more");
    EXPECT_EQ(keys({.shard = ShardId(1), .begin = "d", .end = "b"}), "");
}

TEST_P(Conformance, KeysAndValuesOfEveryKind) {
    std::string longest(kKeyBytesMax, '\xff');
    std::string zero("\0\0", 2);
    std::string large(kValueBytesMax, 'v');
    put(ShardId(255), longest, large);
    put(ShardId(255), zero, "");
    put(ShardId(256), "a", "next");
    EXPECT_EQ(get(ShardId(255), longest), large);
    EXPECT_EQ(get(ShardId(255), zero), "");
    EXPECT_EQ(keys({.shard = ShardId(255), .begin = "", .end = "", .keys_only = true}),
              zero + " " + longest + " ");
}

TEST_P(Conformance, BatchIsAppliedInOrder) {
    for (const char *key : {"a", "b", "c"})
        put(ShardId(1), key, "old");
    commit(ShardId(1), [](WriteBatch &batch) {
        batch.put(Table::documents, "a", "lost");
        batch.erase_range(Table::documents, "a", "c");
        batch.put(Table::documents, "b", "new");
        batch.erase(Table::documents, "c");
    });
    EXPECT_EQ(keys({.shard = ShardId(1), .begin = "", .end = ""}), "b=new ");
    commit(ShardId(1), [](WriteBatch &batch) { batch.erase_once(Table::documents, "never"); });
    put(ShardId(1), "once", "1", Table::sequences);
    commit(ShardId(1), [](WriteBatch &batch) { batch.erase_once(Table::sequences, "once"); });
    EXPECT_EQ(get(ShardId(1), "once", Table::sequences), std::nullopt);
}

TEST_P(Conformance, AddsCountersBlindly) {
    auto add = [&](std::vector<std::int64_t> deltas) {
        commit(ShardId(1), [&](WriteBatch &batch) { batch.add(Table::documents, "n", deltas); });
    };
    auto counters = [&] { return decode_counters(get(ShardId(1), "n").value_or("")); };
    add({1, 2});
    add({-3});
    add({0, 0, 5});
    EXPECT_EQ(counters(), (std::vector<std::int64_t>{-2, 2, 5}));
    for (int i = 0; i < 100; ++i)
        add({1});
    open();
    if (GetParam() != "memory")
        EXPECT_EQ(counters().front(), 98);
    commit(ShardId(1), [&](WriteBatch &batch) {
        batch.erase(Table::documents, "n");
        batch.add(Table::documents, "n", std::vector<std::int64_t>{7});
    });
    EXPECT_EQ(counters(), (std::vector<std::int64_t>{7}));
}

TEST_P(Conformance, SequencesAreConsecutiveAndNeverReused) {
    EXPECT_EQ(commit(ShardId(1), [](WriteBatch &b) { b.put(Table::documents, "a", "1"); }, 3).value, 1u);
    {
        auto abandoned = engine_->begin(ShardId(1), {}, 10);
    }
    EXPECT_EQ(engine_->last_sequence(ShardId(1))->value, 3u);
    EXPECT_EQ(commit(ShardId(1), [](WriteBatch &b) { b.put(Table::documents, "a", "2"); }, 1).value, 4u);
    EXPECT_EQ(engine_->last_sequence(ShardId(2))->value, 0u);
    open();
    if (GetParam() != "memory") {
        EXPECT_EQ(engine_->last_sequence(ShardId(1))->value, 4u);
        EXPECT_EQ(get(ShardId(1), "a"), "2");
    }
}

TEST_P(Conformance, BeginReadsUnderTheLock) {
    put(ShardId(1), "a", "1");
    std::vector<KeyRef> refs{{Table::documents, "a"}, {Table::documents, "x"}};
    auto commit = engine_->begin(ShardId(1), refs, 0);
    ASSERT_TRUE(commit.ok());
    EXPECT_EQ((*commit)->values(), (std::vector<std::optional<std::string>>{"1", std::nullopt}));
    put(ShardId(2), "other", "shards go on");
}

TEST_P(Conformance, SnapshotsDoNotMove) {
    put(ShardId(1), "a", "1");
    put(ShardId(1), "gone", "1");
    auto snapshot = engine_->snapshot();
    ASSERT_TRUE(snapshot.ok());
    put(ShardId(1), "a", "2");
    put(ShardId(1), "b", "2");
    commit(ShardId(1), [](WriteBatch &batch) { batch.erase(Table::documents, "gone"); });
    EXPECT_EQ(get(ShardId(1), "a", Table::documents, snapshot->get()), "1");
    EXPECT_EQ(keys({.shard = ShardId(1), .begin = "", .end = "", .snapshot = snapshot->get()}),
              "a=1 gone=1 ");
    snapshot->reset();
    EXPECT_EQ(keys({.shard = ShardId(1), .begin = "", .end = ""}), "a=2 b=2 ");
}

TEST_P(Conformance, ErasedShardLeavesItsNeighbours) {
    for (std::uint32_t shard : {1u, 2u, 3u})
        for (auto table : {Table::documents, Table::sequences, Table::index, Table::attachments})
            put(ShardId(shard), "k", std::string(10'000, 'v'), table);
    ASSERT_TRUE(engine_->erase_shard(ShardId(2)).ok());
    ASSERT_TRUE(engine_->erase_shard(ShardId(2)).ok());
    for (auto table : {Table::documents, Table::sequences, Table::index, Table::attachments}) {
        EXPECT_TRUE(get(ShardId(1), "k", table));
        EXPECT_FALSE(get(ShardId(2), "k", table));
        EXPECT_TRUE(get(ShardId(3), "k", table));
    }
}

TEST_P(Conformance, StagedRowsAreThereWithTheNextCommit) {
    WriteBatch batch;
    batch.put(Table::attachments, "chunk", "bytes");
    ASSERT_TRUE(engine_->stage(ShardId(1), std::move(batch)).ok());
    put(ShardId(1), "a", "refers to it");
    open();
    if (GetParam() != "memory")
        EXPECT_EQ(get(ShardId(1), "chunk", Table::attachments), "bytes");
}

TEST_P(Conformance, ManyWritersShareShards) {
    constexpr int kThreads = 4;
    constexpr int kCommits = 50;
    std::vector<std::thread> threads;
    std::mutex mutex;
    std::set<std::pair<std::uint32_t, std::uint64_t>> seen;
    for (int t = 0; t < kThreads; ++t)
        threads.emplace_back([&, t] {
            for (int i = 0; i < kCommits; ++i) {
                ShardId shard(static_cast<std::uint32_t>(1 + (t + i) % 3));
                auto first = commit(
                    shard,
                    [&](WriteBatch &b) { b.put(Table::documents, "k" + std::to_string(t * 1000 + i), "v"); },
                    2);
                std::lock_guard lock(mutex);
                EXPECT_TRUE(seen.emplace(shard.value, first.value).second);
                EXPECT_TRUE(seen.emplace(shard.value, first.value + 1).second);
            }
        });
    for (auto &thread : threads)
        thread.join();
    EXPECT_EQ(seen.size(), static_cast<std::size_t>(2 * kThreads * kCommits));
    std::uint64_t sum = 0;
    for (std::uint32_t shard : {1u, 2u, 3u})
        sum += engine_->last_sequence(ShardId(shard))->value;
    EXPECT_EQ(sum, static_cast<std::uint64_t>(2 * kThreads * kCommits)) << "no gaps";
}

INSTANTIATE_TEST_SUITE_P(Engines, Conformance, testing::Values("memory", "rocksdb"),
                         [](const auto &engine) { return engine.param; });

TEST(RocksdbEngine, SecondProcessIsToldWhy) {
    TempDirectory directory;
    auto first = open_rocksdb_engine({.directory = directory.path(), .memory_bytes_max = 32 << 20});
    ASSERT_TRUE(first.ok());
    auto second = open_rocksdb_engine({.directory = directory.path(), .memory_bytes_max = 32 << 20});
    ASSERT_FALSE(second.ok());
    EXPECT_NE(second.error().reason().find("in use"), std::string::npos) << second.error().reason();
}

TEST(RocksdbEngine, SnapshotsAge) {
    TempDirectory directory;
    ManualClock clock;
    auto engine =
        open_rocksdb_engine({.directory = directory.path(), .memory_bytes_max = 32 << 20, .clock = &clock});
    ASSERT_TRUE(engine.ok());
    auto snapshot = (*engine)->snapshot();
    KeyRef ref{Table::documents, "a"};
    EXPECT_TRUE((*engine)->read(ShardId(1), std::span(&ref, 1), snapshot->get()).ok());
    clock.advance(std::chrono::minutes(11));
    EXPECT_EQ((*engine)->read(ShardId(1), std::span(&ref, 1), snapshot->get()).error().code(),
              ErrorCode::service_unavailable);
}

} // namespace
} // namespace divan::kv
