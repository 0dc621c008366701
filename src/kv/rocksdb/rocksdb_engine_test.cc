// What is RocksDB's own; the contract is tested in kv/testing.

#include "kv/rocksdb/rocksdb_engine.h"

#include "base/random.h"
#include "kv/rocksdb/database.h"
#include "kv/rocksdb/erasure_collector.h"
#include "kv/rocksdb/maintenance.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

namespace divan::kv {
namespace {

constexpr ShardId kShard{1};

class RocksdbEngineTest : public testing::Test {
  public:
    ~RocksdbEngineTest() override {
        std::error_code error;
        std::filesystem::remove_all(directory_, error);
    }

  protected:
    RocksdbEngineTest() {
        auto name = (std::filesystem::temp_directory_path() / "divan-kv-XXXXXX").string();
        EXPECT_NE(mkdtemp(name.data()), nullptr);
        directory_ = name;
    }

    [[nodiscard]] RocksdbOptions options() const {
        return {.directory = directory_ / "some" / "where",
                .memory_bytes_max = 16 << 20,
                .snapshot_age_max = Millis(1'000),
                .clock = &clock_};
    }

    static void put(Engine &engine, std::string key, std::string value) {
        auto commit = engine.begin(kShard, {}, 1).value();
        WriteBatch batch;
        batch.put(Table::documents, std::move(key), std::move(value));
        EXPECT_TRUE(commit->finish(std::move(batch), 1).ok());
    }

    std::filesystem::path directory_;
    ManualClock clock_;
};

TEST_F(RocksdbEngineTest, ReadOnlyBesideAnotherThatHasItOpen) {
    auto engine = open_rocksdb_engine(options()).value();
    put(*engine, "key", "value");
    auto reading = options();
    reading.read_only = true;
    auto reader = open_rocksdb_engine(reading);
    ASSERT_TRUE(reader.ok()) << reader.error().reason();
    KeyRef key{Table::documents, "key"};
    EXPECT_EQ((*reader)->read(kShard, std::span(&key, 1))->front(), "value");
    WriteBatch batch;
    batch.put(Table::documents, "other", "value");
    EXPECT_EQ((*reader)->stage(kShard, std::move(batch)).error().code(), ErrorCode::storage_failed);
    reading.directory = directory_ / "nothing";
    EXPECT_FALSE(open_rocksdb_engine(reading).ok());
    EXPECT_FALSE(std::filesystem::exists(reading.directory));
}

TEST_F(RocksdbEngineTest, SaysThatAnotherHasTheDirectoryOpen) {
    auto engine = open_rocksdb_engine(options());
    ASSERT_TRUE(engine.ok()) << engine.error().reason();
    auto second = open_rocksdb_engine(options());
    ASSERT_FALSE(second.ok());
    EXPECT_EQ(second.error().code(), ErrorCode::service_unavailable);
    EXPECT_THAT(second.error().reason(), testing::HasSubstr("in use by another process"));
}

TEST_F(RocksdbEngineTest, SaysThatADirectoryCannotBeMade) {
    auto wrong = options();
    wrong.directory = "/proc/divan/engine";
    auto engine = open_rocksdb_engine(wrong);
    ASSERT_FALSE(engine.ok());
    EXPECT_EQ(engine.error().code(), ErrorCode::storage_failed);
    EXPECT_THAT(engine.error().reason(), testing::HasSubstr("/proc/divan/engine"));
}

TEST_F(RocksdbEngineTest, RefusesWhatANewerVersionWrote) {
    {
        auto database = RocksdbDatabase::open(options()).value();
        rocksdb::WriteBatch batch;
        std::string newer("\0\0\0\x63\0\0\0\x62", 8);
        ASSERT_TRUE(batch.Put("divan.engine", newer).ok()); // the default family
        ASSERT_TRUE(database->write(batch, true).ok());
    }
    auto engine = open_rocksdb_engine(options());
    ASSERT_FALSE(engine.ok());
    EXPECT_EQ(engine.error().code(), ErrorCode::not_implemented);
    EXPECT_THAT(engine.error().reason(), testing::HasSubstr("format 99"));
}

TEST_F(RocksdbEngineTest, SnapshotsExpire) {
    auto engine = open_rocksdb_engine(options()).value();
    put(*engine, "k", "v");
    auto snapshot = engine->snapshot().value();
    KeyRef key{Table::documents, "k"};
    clock_.advance(Millis(1'000));
    EXPECT_TRUE(engine->read(kShard, {&key, 1}, snapshot.get()).ok());
    clock_.advance(Millis(1));
    auto expired = engine->read(kShard, {&key, 1}, snapshot.get());
    ASSERT_FALSE(expired.ok());
    EXPECT_EQ(expired.error().code(), ErrorCode::service_unavailable);
    EXPECT_EQ(engine->scan({.shard = kShard, .snapshot = snapshot.get()}).error().code(),
              ErrorCode::service_unavailable);
}

TEST_F(RocksdbEngineTest, ReadCachedDoesNoInput) {
    {
        auto engine = open_rocksdb_engine(options()).value();
        put(*engine, "k", "v");
        ASSERT_TRUE(engine->compact_shard(kShard).ok());
    }
    auto engine = open_rocksdb_engine(options()).value();
    KeyRef key{Table::documents, "k"};
    std::optional<std::string> value;
    EXPECT_FALSE(engine->read_cached(kShard, key, value));
    auto blocks_before = engine->stats().block_reads;
    EXPECT_EQ(engine->read(kShard, {&key, 1})->front(), "v");
    EXPECT_GT(engine->stats().block_reads, blocks_before);
    EXPECT_TRUE(engine->read_cached(kShard, key, value));
    EXPECT_EQ(value, "v");
}

// Many edits of few documents must not leave a trail that a reader of the changes walks along.
TEST_F(RocksdbEngineTest, ErasedSequencesAreCollected) {
    auto engine = open_rocksdb_engine(options()).value();
    constexpr int kRows = 60'000;
    auto key = [](int number) { return std::to_string(1'000'000 + number); };
    for (int number = 0; number < kRows; ++number) {
        WriteBatch batch;
        batch.put(Table::sequences, key(number), std::string(20, 's'));
        ASSERT_TRUE(engine->stage(kShard, std::move(batch)).ok());
    }
    ASSERT_TRUE(engine->compact_shard(kShard).ok());
    for (int number = 0; number < kRows - 1; ++number) {
        WriteBatch batch;
        batch.erase_once(Table::sequences, key(number));
        ASSERT_TRUE(engine->stage(kShard, std::move(batch)).ok());
    }
    ASSERT_TRUE(engine->compact_shard(kShard).ok());
    auto blocks_before = engine->stats().block_reads;
    auto page = engine->scan({.shard = kShard, .table = Table::sequences});
    EXPECT_EQ(page->size(), 1);
    EXPECT_LE(engine->stats().block_reads - blocks_before, 3);
}

TEST_F(RocksdbEngineTest, ErasingAShardFreesItsBlobs) {
    auto database = RocksdbDatabase::open(options()).value();
    SeededRandom random(1);
    constexpr std::size_t kChunks = 24;
    auto fill = [&](ShardId shard) {
        for (std::size_t i = 0; i < kChunks; ++i) {
            rocksdb::WriteBatch batch;
            auto key = shard_prefix(shard) + std::to_string(i);
            ASSERT_TRUE(
                batch.Put(database->family(Table::attachments), key, random.bytes(kValueBytesMax)).ok());
            ASSERT_TRUE(database->write(batch, false).ok());
        }
    };
    auto blob_bytes = [&] {
        std::uint64_t bytes = 0;
        EXPECT_TRUE(database->db().GetIntProperty(database->family(Table::attachments),
                                                  rocksdb::DB::Properties::kLiveBlobFileSize, &bytes));
        return bytes;
    };
    // A flush for each, so that the shards share no blob file: one that two shards share goes when garbage
    // collection reaches it.
    for (auto shard : {ShardId(1), ShardId(2)}) {
        fill(shard);
        ASSERT_TRUE(database->db().Flush({}, database->family(Table::attachments)).ok());
    }
    ASSERT_TRUE(compact_rows_of_shard(*database, ShardId(1)).ok());
    EXPECT_GT(blob_bytes(), (2 * kChunks - 1) * kValueBytesMax);
    ASSERT_TRUE(erase_rows_of_shard(*database, ShardId(1)).ok());
    EXPECT_LT(blob_bytes(), (kChunks + 2) * kValueBytesMax);
    ASSERT_TRUE(erase_rows_of_shard(*database, ShardId(2)).ok());
    EXPECT_EQ(blob_bytes(), 0);
}

TEST(ErasureCollector, AsksForCompactionWhereErasuresLieDense) {
    auto needs_compaction = [](int puts, int erasures, rocksdb::EntryType type) {
        ErasureCollector collector;
        for (int i = 0; i < puts; ++i)
            EXPECT_TRUE(collector.AddUserKey("k", "", rocksdb::kEntryPut, 0, 0).ok());
        for (int i = 0; i < erasures; ++i)
            EXPECT_TRUE(collector.AddUserKey("k", "", type, 0, 0).ok());
        return collector.NeedCompact();
    };
    EXPECT_FALSE(needs_compaction(10'000, 500, rocksdb::kEntrySingleDelete));
    EXPECT_TRUE(needs_compaction(10'000, 3'000, rocksdb::kEntrySingleDelete));
    EXPECT_TRUE(needs_compaction(10'000, 3'000, rocksdb::kEntryDelete));
    EXPECT_FALSE(needs_compaction(10'000, 3'000, rocksdb::kEntryMerge));
    // Small files that are half erasures, and no others.
    EXPECT_TRUE(needs_compaction(100, 100, rocksdb::kEntrySingleDelete));
    EXPECT_FALSE(needs_compaction(100, 90, rocksdb::kEntrySingleDelete));
    EXPECT_FALSE(needs_compaction(0, 0, rocksdb::kEntrySingleDelete));
}

TEST(RocksdbKeys, KeepShardsApart) {
    EXPECT_EQ(shard_prefix(ShardId(255)), std::string("\0\0\0\xff", 4));
    EXPECT_EQ(shard_end(ShardId(255)), shard_prefix(ShardId(256)));
    EXPECT_EQ(decode_sequence_row(encode_sequence_row(77)).value(), 77);
    EXPECT_EQ(decode_sequence_row("").error().code(), ErrorCode::corruption);
    EXPECT_LT(sequence_row_key(kShard), bounds(kShard, "", "").lower) << "callers never see the row";
}

} // namespace
} // namespace divan::kv
