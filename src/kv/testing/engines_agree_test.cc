// The same random work on the memory engine and on RocksDB has the same answers.

#include "base/bytes.h"
#include "base/random.h"
#include "kv/memory/memory_engine.h"
#include "kv/rocksdb/rocksdb_engine.h"
#include "kv/testing/temporary_directory.h"

#include <gtest/gtest.h>

#include <array>

namespace divan::kv {
namespace {

class Pair {
  public:
    explicit Pair(std::uint64_t seed) : random_(seed) { open(); }

    void work() {
        for (int step = 0; step < 1'500; ++step) {
            auto choice = below(100);
            if (choice < 60)
                write();
            else if (choice < 90)
                compare();
            else if (choice < 95)
                swap_snapshot();
            else if (choice < 97)
                EXPECT_TRUE(rocksdb_->compact_shard(shard()).ok());
            else if (choice == 97)
                erase_shard();
            else if (choice == 98)
                reopen();
        }
        compare();
    }

  private:
    // Counters and rows that are put once keep to tables of their own, as the contract asks.
    static constexpr Table kPlain = Table::documents;
    static constexpr Table kOnce = Table::sequences;
    static constexpr Table kCounted = Table::index;

    void open() {
        rocksdb_ =
            open_rocksdb_engine(
                {.directory = directory_.path() / "engine", .memory_bytes_max = 16 << 20, .clock = &clock_})
                .value();
    }

    void reopen() {
        memory_snapshot_.reset();
        rocksdb_snapshot_.reset();
        rocksdb_.reset();
        open();
    }

    std::uint64_t below(std::uint64_t bound) {
        auto bytes = random_.bytes(8);
        return ByteReader(bytes).u64() % bound;
    }
    // Neighbours; an erased one is never used again, its place is taken by a new one.
    ShardId shard() { return ShardId(shards_[below(shards_.size())]); }
    // Few keys, so that they meet again; some are prefixes of others.
    std::string key() {
        static constexpr std::string_view kBytes("\0a\xff", 3);
        std::string key;
        for (auto length = 1 + below(3); length > 0; --length)
            key.push_back(kBytes[below(kBytes.size())]);
        return key;
    }
    std::string bound() { return below(4) == 0 ? std::string() : key(); }

    void write() {
        auto where = shard();
        WriteBatch batch;
        for (auto entries = 1 + below(6); entries > 0; --entries)
            add_entry(batch, where);
        auto reserved = static_cast<std::uint32_t>(below(3));
        auto used = static_cast<std::uint32_t>(below(reserved + 1));
        std::uint64_t first[2];
        Engine *engines[2] = {memory_.get(), rocksdb_.get()};
        for (int i = 0; i < 2; ++i) {
            auto commit = engines[i]->begin(where, {}, reserved).value();
            first[i] = commit->first_sequence().value;
            ASSERT_TRUE(commit->finish(batch, used).ok());
        }
        EXPECT_EQ(first[0], first[1]);
    }

    void add_entry(WriteBatch &batch, ShardId where) {
        switch (below(8)) {
        case 0:
            return batch.erase(kPlain, key());
        case 1:
            return batch.erase(kCounted, key());
        case 2:
            return batch.erase_range(below(2) == 0 ? kPlain : kCounted, bound(), bound());
        case 3:
        case 4: {
            std::vector<std::int64_t> deltas(1 + below(3), static_cast<std::int64_t>(below(9)) - 4);
            return batch.add(kCounted, key(), deltas);
        }
        case 5: {
            auto once = key();
            KeyRef reference{kOnce, once};
            bool there = memory_->read(where, {&reference, 1})->front().has_value();
            for (const auto &entry : batch.entries())
                if (entry.table == kOnce)
                    return; // one such entry a batch: what is there then is known
            return there ? batch.erase_once(kOnce, once) : batch.put(kOnce, once, random_.bytes(3));
        }
        default:
            return batch.put(kPlain, key(), random_.bytes(below(5)));
        }
    }

    void swap_snapshot() {
        memory_snapshot_ = memory_->snapshot().value();
        rocksdb_snapshot_ = rocksdb_->snapshot().value();
    }

    void erase_shard() {
        memory_snapshot_.reset(); // may lose the shard
        rocksdb_snapshot_.reset();
        auto &place = shards_[below(shards_.size())];
        EXPECT_TRUE(memory_->erase_shard(ShardId(place)).ok());
        EXPECT_TRUE(rocksdb_->erase_shard(ShardId(place)).ok());
        place = ++last_shard_;
    }

    void compare() {
        ScanRequest request{.shard = shard(), .begin = bound(), .end = bound(), .reverse = below(2) == 0};
        request.rows_max = 1 + below(20);
        request.bytes_max = below(2) == 0 ? 20 : 1'000;
        for (auto table : {kPlain, kOnce, kCounted}) {
            request.table = table;
            expect_same(request, nullptr, nullptr);
            if (memory_snapshot_)
                expect_same(request, memory_snapshot_.get(), rocksdb_snapshot_.get());
        }
        EXPECT_EQ(memory_->last_sequence(request.shard).value(),
                  rocksdb_->last_sequence(request.shard).value());
    }

    void expect_same(ScanRequest request, const Snapshot *of_memory, const Snapshot *of_rocksdb) {
        request.snapshot = of_memory;
        auto left = memory_->scan(request).value();
        request.snapshot = of_rocksdb;
        auto right = rocksdb_->scan(request).value();
        SCOPED_TRACE(static_cast<int>(request.table));
        ASSERT_EQ(left.size(), right.size());
        EXPECT_EQ(left.more, right.more);
        std::vector<KeyRef> keys;
        for (std::size_t row = 0; row < left.size(); ++row) {
            EXPECT_EQ(left.key(row), right.key(row));
            EXPECT_EQ(left.value(row), right.value(row));
            keys.push_back({request.table, left.key(row)});
        }
        auto other = key();
        keys.push_back({request.table, other});
        EXPECT_EQ(memory_->read(request.shard, keys, of_memory).value(),
                  rocksdb_->read(request.shard, keys, of_rocksdb).value());
    }

    std::uint32_t last_shard_ = 257;
    std::array<std::uint32_t, 3> shards_ = {255, 256, 257};
    TemporaryDirectory directory_;
    ManualClock clock_;
    SeededRandom random_;
    std::unique_ptr<Engine> memory_ = make_memory_engine();
    std::unique_ptr<Engine> rocksdb_;
    std::unique_ptr<Snapshot> memory_snapshot_;
    std::unique_ptr<Snapshot> rocksdb_snapshot_;
};

TEST(Engines, AgreeOnRandomWork) {
    for (std::uint64_t seed = 1; seed <= 3; ++seed) {
        SCOPED_TRACE(seed);
        Pair(seed).work();
    }
}

} // namespace
} // namespace divan::kv
