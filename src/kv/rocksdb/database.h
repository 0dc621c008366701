#pragma once

// An open RocksDB instance with its tables, and the form of its keys. Internal to kv/rocksdb.

#include "kv/rocksdb/rocksdb_engine.h"
#include "kv/rocksdb/tuning.h"

#include <rocksdb/db.h>

#include <array>
#include <atomic>

namespace divan::kv {

// Four big-endian bytes, so that the rows of a shard lie together.
[[nodiscard]] std::string shard_prefix(ShardId shard);
// The first key behind every row of the shard. REQUIRES: not the highest id there is.
[[nodiscard]] std::string shard_end(ShardId shard);
// The row that holds the last sequence of the shard: its prefix alone, which no caller's key can
// be, since keys have at least one byte. In Table::documents.
[[nodiscard]] std::string sequence_row_key(ShardId shard);
// The bounds of a range of a caller's keys; leaves the row above out.
struct Bounds {
    std::string lower, upper;
};
[[nodiscard]] Bounds bounds(ShardId shard, std::string_view begin, std::string_view end);

[[nodiscard]] std::string encode_sequence_row(std::uint64_t last_sequence);
[[nodiscard]] Result<std::uint64_t> decode_sequence_row(std::string_view value);

// Thread-safe. Closes the instance when destroyed.
class RocksdbDatabase {
  public:
    static Result<std::unique_ptr<RocksdbDatabase>> open(const RocksdbOptions &options);
    ~RocksdbDatabase();

    [[nodiscard]] rocksdb::DB &db() { return *db_; }
    [[nodiscard]] rocksdb::ColumnFamilyHandle *family(Table table) {
        return families_[static_cast<std::size_t>(table) + 1];
    }
    [[nodiscard]] const RocksdbShared &shared() const { return shared_; }

    // ErrorCode::storage_failed once a write or sync has failed.
    [[nodiscard]] Result<void> check_writable() const;
    // Writes; a failure makes every later check_writable() fail.
    Result<void> write(rocksdb::WriteBatch &batch, bool sync);
    Result<void> sync();
    // The answer to a read that failed.
    [[nodiscard]] static Error read_error(const rocksdb::Status &status);

  private:
    RocksdbDatabase() = default;
    Result<void> check_format();
    Result<void> write_failed(const rocksdb::Status &status);

    std::shared_ptr<rocksdb::Env> environment_;
    RocksdbShared shared_;
    std::unique_ptr<rocksdb::DB> db_;
    std::vector<rocksdb::ColumnFamilyHandle *> families_; // owned; the default one first
    std::atomic<bool> failed_ = false;
};

} // namespace divan::kv
