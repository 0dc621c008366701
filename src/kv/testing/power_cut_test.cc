// What RocksDB keeps when the power goes or a sync fails.

#include "base/bytes.h"
#include "kv/rocksdb/rocksdb_engine.h"
#include "kv/testing/temporary_directory.h"
#include "kv/testing/unsynced_file_system.h"

#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <mutex>
#include <thread>

namespace divan::kv {
namespace {

constexpr ShardId kShard{1};

class PowerCut : public testing::Test {
  protected:
    PowerCut() { start(); }

    // The machine starts: all that is on the disk is synced.
    void start() {
        disk_ = std::make_unique<UnsyncedFileSystem>();
        auto engine = open_rocksdb_engine({.directory = directory_.path() / "engine",
                                           .memory_bytes_max = memory_bytes_max_,
                                           .clock = &clock_,
                                           .environment = disk_->environment()});
        ASSERT_TRUE(engine.ok()) << engine.error().reason();
        engine_ = std::move(engine).value();
    }

    void power_cut_and_start(Random *random = nullptr) {
        disk_->cut_power();
        auto dropped = disk_->drop_unsynced(random);
        ASSERT_TRUE(dropped.ok()) << dropped.error().reason();
        engine_.reset();
        start();
    }

    Result<CommitOutcome> commit(ShardId shard, WriteBatch batch, std::uint32_t sequences = 1) {
        DIVAN_TRY(auto commit, engine_->begin(shard, {}, sequences));
        return commit->finish(std::move(batch), sequences);
    }

    Result<CommitOutcome> put(ShardId shard, std::string key, std::string value) {
        WriteBatch batch;
        batch.put(Table::documents, std::move(key), std::move(value));
        return commit(shard, std::move(batch));
    }

    [[nodiscard]] std::optional<std::string> get(ShardId shard, std::string_view key,
                                                 Table table = Table::documents) {
        KeyRef reference{table, key};
        auto values = engine_->read(shard, {&reference, 1});
        EXPECT_TRUE(values.ok());
        return values->front();
    }

    std::size_t memory_bytes_max_ = 32 << 20;
    TemporaryDirectory directory_;
    ManualClock clock_;
    std::unique_ptr<UnsyncedFileSystem> disk_;
    std::unique_ptr<Engine> engine_;
};

WriteBatch staged_batch(int number) {
    WriteBatch batch;
    batch.put(Table::attachments, "chunk" + std::to_string(number), std::string(20'000, 'c'));
    batch.put(Table::documents, "chunk" + std::to_string(number), "listed");
    return batch;
}

TEST_F(PowerCut, KeepsWhatWasAcknowledged) {
    ASSERT_TRUE(put(kShard, "a", "1").ok());
    ASSERT_TRUE(put(kShard, "b", "2").ok());
    power_cut_and_start();
    EXPECT_EQ(get(kShard, "a"), "1");
    EXPECT_EQ(get(kShard, "b"), "2");
    EXPECT_EQ(engine_->last_sequence(kShard)->value, 2);
}

// The wrapper must be seen to lose something, or the other tests prove nothing.
TEST_F(PowerCut, LosesWhatWasOnlyStaged) {
    ASSERT_TRUE(engine_->stage(kShard, staged_batch(0)).ok());
    EXPECT_EQ(get(kShard, "chunk0"), "listed");
    power_cut_and_start();
    EXPECT_EQ(get(kShard, "chunk0"), std::nullopt);
    EXPECT_EQ(get(kShard, "chunk0", Table::attachments), std::nullopt);
}

TEST_F(PowerCut, KeepsWhatWasStagedBeforeACommit) {
    ASSERT_TRUE(engine_->stage(kShard, staged_batch(0)).ok());
    ASSERT_TRUE(commit(kShard, {}, 0).ok()) << "an empty commit syncs too";
    ASSERT_TRUE(engine_->stage(kShard, staged_batch(1)).ok());
    ASSERT_TRUE(engine_->sync().ok());
    power_cut_and_start();
    EXPECT_EQ(get(kShard, "chunk0"), "listed");
    EXPECT_EQ(get(kShard, "chunk1"), "listed");
}

TEST_F(PowerCut, NeverTearsABatch) {
    SeededRandom random(7);
    for (int round = 0; round < 6; ++round) {
        for (int number = 0; number < 5; ++number)
            ASSERT_TRUE(engine_->stage(kShard, staged_batch(round * 10 + number)).ok());
        power_cut_and_start(&random);
        for (int number = 0; number < 5; ++number) {
            auto key = "chunk" + std::to_string(round * 10 + number);
            EXPECT_EQ(get(kShard, key).has_value(), get(kShard, key, Table::attachments).has_value()) << key;
        }
    }
}

TEST_F(PowerCut, KeepsErasuresOfShards) {
    ASSERT_TRUE(put(kShard, "k", "v").ok());
    ASSERT_TRUE(put(ShardId(2), "k", "v").ok());
    ASSERT_TRUE(engine_->erase_shard(kShard).ok());
    power_cut_and_start();
    EXPECT_EQ(get(kShard, "k"), std::nullopt);
    EXPECT_EQ(get(ShardId(2), "k"), "v");
}

TEST_F(PowerCut, AFailedSyncEndsAllWrites) {
    ASSERT_TRUE(put(kShard, "before", "v").ok());
    auto waiting = engine_->begin(ShardId(2), {}, 1);
    disk_->fail_next_log_sync();
    auto failed = put(kShard, "failed", "v");
    ASSERT_FALSE(failed.ok());
    EXPECT_EQ(failed.error().code(), ErrorCode::storage_failed);

    auto code = [](const auto &result) { return result.ok() ? ErrorCode::conflict : result.error().code(); };
    EXPECT_EQ(code(waiting.value()->finish({}, 1)), ErrorCode::storage_failed);
    EXPECT_EQ(code(put(kShard, "after", "v")), ErrorCode::storage_failed);
    EXPECT_EQ(code(put(ShardId(2), "after", "v")), ErrorCode::storage_failed);
    EXPECT_EQ(code(engine_->stage(kShard, staged_batch(0))), ErrorCode::storage_failed);
    EXPECT_EQ(code(engine_->sync()), ErrorCode::storage_failed);
    EXPECT_EQ(code(engine_->erase_shard(kShard)), ErrorCode::storage_failed);
    EXPECT_EQ(get(kShard, "before"), "v") << "reads go on";
    EXPECT_EQ(get(kShard, "failed"), std::nullopt) << "what was not acknowledged is not shown either";

    power_cut_and_start();
    EXPECT_EQ(get(kShard, "before"), "v");
    EXPECT_EQ(get(kShard, "failed"), std::nullopt);
    ASSERT_TRUE(put(kShard, "after", "v").ok());
    EXPECT_EQ(get(kShard, "after"), "v");
}

// Writers on several shards until the power goes; each notes what was acknowledged to it.
class Writers {
  public:
    Writers(Engine &engine, std::uint32_t count) {
        for (std::uint32_t thread = 0; thread < count; ++thread)
            threads_.emplace_back([this, &engine, thread] { write(engine, thread); });
    }
    void join() {
        for (auto &thread : threads_)
            thread.join();
    }
    void wait_for(std::uint64_t acknowledged) const {
        while (acknowledged_count_ < acknowledged && failed_count_ < threads_.size())
            acknowledged_count_.wait(acknowledged_count_);
    }
    // Shard and sequence of the commits that were acknowledged.
    [[nodiscard]] const std::vector<std::pair<ShardId, std::uint64_t>> &acknowledged() const {
        return acknowledged_;
    }
    [[nodiscard]] bool all_failed_as_they_should() const { return wrong_errors_ == 0; }

    static std::string key(std::uint64_t sequence) {
        std::string key;
        append_u64(key, sequence);
        return key;
    }

  private:
    void write(Engine &engine, std::uint32_t thread) {
        for (std::uint32_t i = 0;; ++i) {
            ShardId shard(1 + (thread + i) % 3);
            auto commit = engine.begin(shard, {}, 1);
            if (!commit.ok())
                return failed(commit.error());
            auto sequence = commit.value()->first_sequence().value;
            WriteBatch batch;
            batch.put(Table::documents, key(sequence), std::string(600, 'd'));
            batch.put(Table::sequences, key(sequence), "s");
            batch.add(Table::index, "count", std::vector<std::int64_t>{1});
            auto outcome = commit.value()->finish(std::move(batch), 1);
            if (!outcome.ok())
                return failed(outcome.error());
            std::lock_guard guard(mutex_);
            acknowledged_.emplace_back(shard, sequence);
            ++acknowledged_count_;
            acknowledged_count_.notify_all();
        }
    }

    void failed(const Error &error) {
        wrong_errors_ += error.code() == ErrorCode::storage_failed ? 0 : 1;
        ++failed_count_;
        ++acknowledged_count_; // wakes who waits
        acknowledged_count_.notify_all();
    }

    std::mutex mutex_;
    std::vector<std::pair<ShardId, std::uint64_t>> acknowledged_;
    std::atomic<std::uint64_t> acknowledged_count_ = 0;
    std::atomic<std::uint64_t> failed_count_ = 0;
    std::atomic<std::uint64_t> wrong_errors_ = 0;
    std::vector<std::thread> threads_;
};

class PowerCutUnderLoad : public PowerCut {
  protected:
    // Every shard holds the sequences 1 to its last, each whole, and counts them.
    void expect_whole(std::uint64_t acknowledged_before) {
        std::uint64_t found = 0;
        for (std::uint32_t shard = 1; shard <= 3; ++shard) {
            auto last = engine_->last_sequence(ShardId(shard))->value;
            for (auto table : {Table::documents, Table::sequences}) {
                auto page = engine_->scan({.shard = ShardId(shard), .table = table, .rows_max = 1'000'000});
                EXPECT_EQ(page->size(), last);
            }
            auto count = get(ShardId(shard), "count", Table::index);
            EXPECT_EQ(count ? decode_counters(*count).front() : 0, static_cast<std::int64_t>(last));
            found += last;
        }
        EXPECT_GE(found, acknowledged_before);
    }

    std::map<std::uint32_t, std::uint64_t> last_; // acknowledged, by shard
};

TEST_F(PowerCutUnderLoad, KeepsEveryAcknowledgedCommit) {
    SeededRandom random(11);
    std::uint64_t acknowledged = 0;
    for (int round = 0; round < 5; ++round) {
        Writers writers(*engine_, 6);
        writers.wait_for(150);
        disk_->cut_power();
        writers.join();
        EXPECT_TRUE(writers.all_failed_as_they_should());
        power_cut_and_start(round % 2 == 0 ? nullptr : &random);
        acknowledged += writers.acknowledged().size();
        for (auto [shard, sequence] : writers.acknowledged())
            EXPECT_TRUE(get(shard, Writers::key(sequence)).has_value());
        expect_whole(acknowledged);
    }
}

TEST_F(PowerCutUnderLoad, KeepsThemWhenASyncFails) {
    for (int round = 0; round < 5; ++round) {
        Writers writers(*engine_, 6);
        writers.wait_for(60);
        disk_->fail_next_log_sync();
        writers.join();
        EXPECT_TRUE(writers.all_failed_as_they_should());
        power_cut_and_start();
        for (auto [shard, sequence] : writers.acknowledged())
            EXPECT_TRUE(get(shard, Writers::key(sequence)).has_value());
        expect_whole(writers.acknowledged().size());
    }
}

// With memory tables this small, files are flushed, logs switched and blobs written in between.
class PowerCutWhileFlushing : public PowerCut {
  protected:
    PowerCutWhileFlushing() {
        engine_.reset();
        memory_bytes_max_ = 1 << 20;
        start();
    }
};

TEST_F(PowerCutWhileFlushing, KeepsEveryAcknowledgedCommit) {
    SeededRandom random(3);
    int number = 0;
    for (int round = 0; round < 6; ++round) {
        for (int end = number + 40; number < end; ++number) {
            WriteBatch chunk;
            chunk.put(Table::attachments, std::to_string(number), random.bytes(50'000));
            ASSERT_TRUE(engine_->stage(kShard, std::move(chunk)).ok());
            ASSERT_TRUE(put(kShard, std::to_string(number), random.bytes(5'000)).ok());
        }
        if (round == 2) {
            ASSERT_TRUE(engine_->compact_shard(kShard).ok());
        }
        power_cut_and_start(round % 2 == 0 ? nullptr : &random);
        for (int written = 0; written < number; ++written) {
            auto key = std::to_string(written);
            ASSERT_TRUE(get(kShard, key).has_value()) << key;
            ASSERT_TRUE(get(kShard, key, Table::attachments).has_value()) << key;
        }
        EXPECT_EQ(engine_->last_sequence(kShard)->value, static_cast<std::uint64_t>(number));
    }
}

} // namespace
} // namespace divan::kv
