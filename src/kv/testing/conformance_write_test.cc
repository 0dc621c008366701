#include "kv/testing/conformance.h"

#include "base/random.h"

#include <atomic>
#include <map>
#include <mutex>
#include <set>
#include <thread>

namespace divan::kv {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

TEST_P(Conformance, BatchesApplyInOrder) {
    put(kShard, "a", "old");
    put(kShard, "b", "old");
    put(kShard, "c", "old");
    put(kShard, "d", "old");
    WriteBatch batch;
    batch.put(Table::documents, "b", "lost");
    batch.erase_range(Table::documents, "b", "d");
    batch.put(Table::documents, "c", "kept");
    batch.put(Table::documents, "e", "lost");
    batch.erase(Table::documents, "e");
    batch.put(Table::documents, "f", "1");
    batch.put(Table::documents, "f", "2");
    commit(kShard, std::move(batch));
    EXPECT_THAT(scan({.shard = kShard}),
                ElementsAre(Pair("a", "old"), Pair("c", "kept"), Pair("d", "old"), Pair("f", "2")));
}

TEST_P(Conformance, EraseRangeKeepsInsideTableAndShard) {
    for (auto shard : {6U, 7U, 8U})
        for (const std::string &key : {std::string(1, '\0'), std::string("k"), std::string("\xff\xff")}) {
            put(ShardId(shard), key, "v");
            put(ShardId(shard), key, "v", Table::index);
        }
    WriteBatch batch;
    batch.put(Table::sequences, "s", "v");
    batch.erase_range(Table::index, "", "");
    batch.erase_range(Table::documents, "z", "a"); // no range at all
    auto first = commit(kShard, std::move(batch), 3);
    EXPECT_THAT(keys({.shard = kShard, .table = Table::index}), IsEmpty());
    EXPECT_EQ(keys({.shard = kShard}).size(), 3);
    for (auto shard : {6U, 8U})
        EXPECT_EQ(keys({.shard = ShardId(shard), .table = Table::index}).size(), 3);

    WriteBatch all;
    all.erase_range(Table::documents, "", "");
    EXPECT_EQ(commit(kShard, std::move(all), 1), first + 3);
    EXPECT_THAT(keys({.shard = kShard}), IsEmpty());
    EXPECT_EQ(engine().last_sequence(kShard)->value, first + 3)
        << "the sequence is not a row of the caller's";
}

TEST_P(Conformance, SortedBatchesDoTheSame) {
    WriteBatch batch;
    batch.put(Table::index, "b", "1");
    batch.put(Table::documents, "c", "1");
    batch.erase(Table::index, "b");
    batch.put(Table::index, "a", "1");
    batch.put(Table::index, "a", "2");
    batch.sort();
    commit(kShard, std::move(batch));
    EXPECT_THAT(scan({.shard = kShard, .table = Table::index}), ElementsAre(Pair("a", "2")));
    EXPECT_THAT(keys({.shard = kShard}), ElementsAre("c"));
}

TEST_P(Conformance, DerivedRowsFollowTheirCheckpoint) {
    KeyRef checkpoint{Table::index, "checkpoint"};
    auto move = [&](const std::optional<std::string> &from, const std::string &to) {
        WriteBatch batch;
        batch.put(Table::index, "checkpoint", to);
        batch.put(Table::index, "row" + to, "v");
        auto outcome = engine().stage_if(kShard, checkpoint, from, std::move(batch));
        EXPECT_TRUE(outcome.ok());
        return *outcome;
    };
    EXPECT_EQ(move("0", "1"), CommitOutcome::conflict) << "there is no checkpoint yet";
    EXPECT_EQ(move(std::nullopt, "1"), CommitOutcome::committed);
    EXPECT_EQ(move(std::nullopt, "2"), CommitOutcome::conflict);
    EXPECT_EQ(move("1", "2"), CommitOutcome::committed);
    EXPECT_EQ(move("1", "3"), CommitOutcome::conflict) << "another one was faster";
    EXPECT_THAT(keys({.shard = kShard, .table = Table::index}), ElementsAre("checkpoint", "row1", "row2"));
}

TEST_P(Conformance, DerivedRowsNeedNotWaitForACommit) {
    auto open = engine().begin(kShard, {}, 1);
    ASSERT_TRUE(open.ok());
    WriteBatch batch;
    batch.put(Table::index, "checkpoint", "1");
    auto outcome = engine().stage_if(kShard, {Table::index, "checkpoint"}, std::nullopt, std::move(batch));
    ASSERT_TRUE(outcome.ok());
    EXPECT_EQ(*outcome, CommitOutcome::committed);
}

TEST_P(Conformance, OfManyDeriversOneMovesEachCheckpoint) {
    constexpr int kSteps = 200;
    std::atomic<int> moved = 0;
    auto derive = [&] {
        for (int step = 0; step < kSteps; ++step) {
            WriteBatch batch;
            batch.put(Table::index, "checkpoint", std::to_string(step + 1));
            auto from = step == 0 ? std::optional<std::string>() : std::to_string(step);
            auto outcome = engine().stage_if(kShard, {Table::index, "checkpoint"}, from, std::move(batch));
            ASSERT_TRUE(outcome.ok());
            moved += *outcome == CommitOutcome::committed;
        }
    };
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i)
        threads.emplace_back(derive);
    for (auto &thread : threads)
        thread.join();
    EXPECT_EQ(moved, kSteps);
}

TEST_P(Conformance, ManyScansAreOneCallInTheirOrder) {
    for (const char *key : {"a", "b", "c", "d"})
        put(kShard, key, key);
    std::vector<ScanRequest> requests = {
        {.shard = kShard, .begin = "c"},
        {.shard = kShard, .end = "c", .reverse = true, .rows_max = 1},
        {.shard = kShard, .begin = "x"},
    };
    auto pages = engine().scan_many(requests);
    ASSERT_TRUE(pages.ok());
    ASSERT_EQ(pages->size(), 3);
    EXPECT_EQ(pages->at(0).size(), 2);
    EXPECT_EQ(pages->at(0).key(1), "d");
    ASSERT_EQ(pages->at(1).size(), 1);
    EXPECT_EQ(pages->at(1).key(0), "b");
    EXPECT_TRUE(pages->at(1).more);
    EXPECT_TRUE(pages->at(2).empty());
}

TEST_P(Conformance, EraseOnceErases) {
    for (int round = 0; round < 3; ++round) {
        put(kShard, "k", "v", Table::sequences);
        if (round == 1) {
            ASSERT_TRUE(engine().compact_shard(kShard).ok());
        }
        WriteBatch batch;
        batch.erase_once(Table::sequences, "k");
        commit(kShard, std::move(batch));
        EXPECT_EQ(get(kShard, "k", Table::sequences), std::nullopt);
    }
    ASSERT_TRUE(engine().compact_shard(kShard).ok());
    EXPECT_EQ(get(kShard, "k", Table::sequences), std::nullopt);
}

TEST_P(Conformance, AddCountsElementByElement) {
    auto add = [&](std::vector<std::int64_t> deltas) {
        WriteBatch batch;
        batch.add(Table::index, "k", deltas);
        commit(kShard, std::move(batch));
    };
    EXPECT_EQ(counters(kShard, "k"), std::nullopt);
    add({1, -2});
    EXPECT_EQ(counters(kShard, "k"), (std::vector<std::int64_t>{1, -2}));
    add({10});
    EXPECT_EQ(counters(kShard, "k"), (std::vector<std::int64_t>{11, -2}));
    add({0, 0, 5'000'000'000});
    EXPECT_EQ(counters(kShard, "k"), (std::vector<std::int64_t>{11, -2, 5'000'000'000}));
    auto snapshot = engine().snapshot().value();

    WriteBatch batch;
    batch.erase(Table::index, "k");
    batch.add(Table::index, "k", std::vector<std::int64_t>{4});
    batch.add(Table::index, "k", std::vector<std::int64_t>{3});
    batch.add(Table::index, "other", std::vector<std::int64_t>{1});
    commit(kShard, std::move(batch));
    EXPECT_EQ(counters(kShard, "k"), (std::vector<std::int64_t>{7}));
    EXPECT_EQ(counters(kShard, "other"), (std::vector<std::int64_t>{1}));
    EXPECT_EQ(decode_counters(*get(kShard, "k", Table::index, snapshot.get())).size(), 3);

    for (int i = 0; i < 100; ++i)
        add({1, 1});
    EXPECT_EQ(counters(kShard, "k"), (std::vector<std::int64_t>{107, 100}));
    EXPECT_EQ(decode_counters(*get(kShard, "k", Table::index, snapshot.get())).at(0), 11);
    snapshot.reset();
    ASSERT_TRUE(engine().compact_shard(kShard).ok());
    add({1});
    EXPECT_EQ(counters(kShard, "k"), (std::vector<std::int64_t>{108, 100}));
    if (reopen()) {
        EXPECT_EQ(counters(kShard, "k"), (std::vector<std::int64_t>{108, 100}));
    }
}

TEST_P(Conformance, BeginReadsTheStatesOfItsKeys) {
    put(kShard, "a", "1");
    put(kShard, "a", "in the index", Table::index);
    std::vector<KeyRef> reads = {{Table::index, "a"}, {Table::documents, "none"}, {Table::documents, "a"}};
    auto commit = engine().begin(kShard, reads, 1);
    ASSERT_TRUE(commit.ok());
    EXPECT_THAT(commit.value()->values(), ElementsAre("in the index", std::nullopt, "1"));
}

TEST_P(Conformance, SequencesAreConsecutive) {
    EXPECT_EQ(engine().last_sequence(kShard)->value, 0);
    EXPECT_EQ(commit(kShard, {}, 1), 1);
    EXPECT_EQ(commit(kShard, {}, 10), 2);
    EXPECT_EQ(commit(kShard, {}, 0), 12) << "the next one to be given";
    EXPECT_EQ(commit(kShard, {}, 1), 12);
    EXPECT_EQ(engine().last_sequence(kShard)->value, 12);
    EXPECT_EQ(commit(ShardId(8), {}, 1), 1) << "each shard counts for itself";
    if (reopen()) {
        EXPECT_EQ(engine().last_sequence(kShard)->value, 12);
        EXPECT_EQ(commit(kShard, {}, 1), 13);
    }
}

TEST_P(Conformance, SequencesThatWereNotUsedAreNotGiven) {
    auto some = engine().begin(kShard, {}, 10).value();
    EXPECT_EQ(some->first_sequence().value, 1);
    ASSERT_TRUE(some->finish({}, 4).ok());
    EXPECT_EQ(engine().last_sequence(kShard)->value, 4);
    auto none = engine().begin(kShard, {}, 10).value();
    EXPECT_GT(none->first_sequence().value, 4);
    ASSERT_TRUE(none->finish({}, 0).ok());
    EXPECT_EQ(engine().last_sequence(kShard)->value, 4);
}

TEST_P(Conformance, AbandonedCommitsWriteNothingAndUseNoSequence) {
    put(kShard, "k", "v");
    {
        auto abandoned = engine().begin(kShard, {}, 5);
        ASSERT_TRUE(abandoned.ok());
    }
    EXPECT_EQ(engine().last_sequence(kShard)->value, 0);
    EXPECT_EQ(get(kShard, "k"), "v");
    auto again = engine().begin(kShard, {}, 1);
    EXPECT_GE(again.value()->first_sequence().value, 1);
}

TEST_P(Conformance, CommitsOfOneShardWaitForEachOther) {
    auto first = engine().begin(kShard, {}, 1).value();
    std::atomic<bool> finished = false;
    std::thread other([&] {
        KeyRef key{Table::documents, "k"};
        auto second = engine().begin(kShard, {&key, 1}, 1).value();
        EXPECT_TRUE(finished);
        EXPECT_EQ(second->first_sequence().value, 2);
        EXPECT_EQ(second->values().front(), "first") << "sees what the commit before it wrote";
        EXPECT_TRUE(second->finish({}, 1).ok());
    });
    commit(ShardId(8), {}, 1); // goes on, while this thread holds kShard
    WriteBatch batch;
    batch.put(Table::documents, "k", "first");
    finished = true;
    EXPECT_TRUE(first->finish(std::move(batch), 1).ok());
    other.join();
}

TEST_P(Conformance, CommitsMayBeFinishedOnAnotherThread) {
    auto commit = engine().begin(kShard, {}, 1).value();
    std::thread([moved = std::move(commit)]() mutable {
        WriteBatch batch;
        batch.put(Table::documents, "k", "v");
        EXPECT_TRUE(moved->finish(std::move(batch), 1).ok());
    }).join();
    EXPECT_EQ(get(kShard, "k"), "v");
    put(kShard, "k", "again");
}

TEST_P(Conformance, ManyThreadsGetEachSequenceOnce) {
    constexpr int kThreads = 6;
    constexpr int kCommits = 40;
    std::mutex mutex;
    std::map<std::uint32_t, std::set<std::uint64_t>> given; // by shard
    std::vector<std::thread> threads;
    for (int thread = 0; thread < kThreads; ++thread)
        threads.emplace_back([&, thread] {
            for (int i = 0; i < kCommits; ++i) {
                ShardId shard(static_cast<std::uint32_t>(1 + (thread + i) % 3));
                auto commit = engine().begin(shard, {}, 2).value();
                auto first = commit->first_sequence().value;
                WriteBatch batch;
                batch.put(Table::sequences, std::to_string(first), "v");
                batch.put(Table::sequences, std::to_string(first + 1), "v");
                batch.add(Table::index, "count", std::vector<std::int64_t>{2});
                ASSERT_TRUE(commit->finish(std::move(batch), 2).ok());
                std::lock_guard guard(mutex);
                EXPECT_TRUE(given[shard.value].insert(first).second);
                EXPECT_TRUE(given[shard.value].insert(first + 1).second);
            }
        });
    for (auto &thread : threads)
        thread.join();
    for (const auto &[shard, sequences] : given) {
        EXPECT_EQ(*sequences.begin(), 1);
        EXPECT_EQ(*sequences.rbegin(), sequences.size()) << "no gap, since all were used";
        EXPECT_EQ(engine().last_sequence(ShardId(shard))->value, sequences.size());
        EXPECT_EQ(keys({.shard = ShardId(shard), .table = Table::sequences}).size(), sequences.size());
        EXPECT_EQ(counters(ShardId(shard), "count"),
                  std::vector{static_cast<std::int64_t>(sequences.size())});
    }
}

TEST_P(Conformance, StagedRowsAreThere) {
    WriteBatch batch;
    batch.put(Table::attachments, "chunk", "bytes");
    batch.add(Table::index, "count", std::vector<std::int64_t>{1});
    ASSERT_TRUE(engine().stage(kShard, std::move(batch)).ok());
    EXPECT_EQ(get(kShard, "chunk", Table::attachments), "bytes");
    EXPECT_EQ(engine().last_sequence(kShard)->value, 0);
    ASSERT_TRUE(engine().sync().ok());
    if (reopen()) {
        EXPECT_EQ(get(kShard, "chunk", Table::attachments), "bytes");
        EXPECT_EQ(counters(kShard, "count"), (std::vector<std::int64_t>{1}));
    }
}

// Few rows, and more than are erased one by one; in memory tables, and in files.
TEST_P(Conformance, EraseShardLeavesNeighbours) {
    constexpr int kManyRows = 12'000;
    auto fill = [&](ShardId shard, int rows) {
        WriteBatch batch;
        for (int i = 0; i < rows; ++i)
            batch.put(Table::sequences, std::to_string(i), "v");
        for (auto table : {Table::documents, Table::index, Table::attachments})
            batch.put(table, "k", std::string(10'000, 'v'));
        commit(shard, std::move(batch), 1);
    };
    std::map<std::uint32_t, int> rows = {{1, 3},   {2, kManyRows},   {3, 3},
                                         {255, 3}, {256, kManyRows}, {257, 3}};
    for (auto [shard, count] : rows)
        fill(ShardId(shard), count);
    ASSERT_TRUE(engine().compact_shard(ShardId(256)).ok());
    for (auto shard : {2U, 255U, 256U}) {
        ASSERT_TRUE(engine().erase_shard(ShardId(shard)).ok());
        ASSERT_TRUE(engine().erase_shard(ShardId(shard)).ok()) << "may be called again";
        rows.erase(shard);
        for (auto table : {Table::documents, Table::sequences, Table::index, Table::attachments})
            EXPECT_THAT(keys({.shard = ShardId(shard), .table = table}), IsEmpty());
        EXPECT_EQ(engine().last_sequence(ShardId(shard))->value, 0);
    }
    ASSERT_TRUE(engine().compact_shard(ShardId(2)).ok());
    bool again = true;
    bool reopened = false;
    while (again) {
        for (auto [shard, count] : rows) {
            auto found = keys({.shard = ShardId(shard), .table = Table::sequences, .rows_max = 100'000});
            EXPECT_EQ(found.size(), static_cast<std::size_t>(count));
            EXPECT_EQ(get(ShardId(shard), "k", Table::attachments)->size(), 10'000);
            EXPECT_EQ(engine().last_sequence(ShardId(shard))->value, 1);
        }
        EXPECT_EQ(get(ShardId(256), "k"), std::nullopt);
        again = reopen();
        if (std::exchange(reopened, true))
            break;
    }
}

TEST_P(Conformance, SizesFollowWhatIsStored) {
    auto random_bytes = SeededRandom(1).bytes(kValueBytesMax); // so that they do not compress
    for (int i = 0; i < 8; ++i)
        put(ShardId(1), std::to_string(i), random_bytes, Table::attachments);
    put(ShardId(2), "small", "v");
    for (bool compacted : {false, true}) {
        if (compacted) {
            ASSERT_TRUE(engine().compact_shard(ShardId(1)).ok());
        }
        EXPECT_GT(engine().approximate_bytes(ShardId(1)).value(), 6 * kValueBytesMax);
        EXPECT_LT(engine().approximate_bytes(ShardId(1)).value(), 10 * kValueBytesMax);
        EXPECT_LT(engine().approximate_bytes(ShardId(2)).value(), kValueBytesMax);
    }
    auto stats = engine().stats();
    EXPECT_GT(stats.memory_bytes + stats.bytes_on_disk, 0);
    ASSERT_TRUE(engine().erase_shard(ShardId(1)).ok());
    ASSERT_TRUE(engine().compact_shard(ShardId(1)).ok());
    EXPECT_LT(engine().approximate_bytes(ShardId(1)).value(), kValueBytesMax);
}

} // namespace
} // namespace divan::kv
