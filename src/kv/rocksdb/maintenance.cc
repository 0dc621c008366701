#include "kv/rocksdb/maintenance.h"

#include <rocksdb/convenience.h>
#include <rocksdb/write_batch.h>

namespace divan::kv {
namespace {

constexpr std::array kTables = {Table::attachments, Table::index, Table::sequences, Table::documents};

// Above either, one range tombstone takes the rows. Below, each row gets a tombstone of its own:
// those lie inside the shard, where nobody looks again, while every read of a table pays for its
// range tombstones, and a thousand deleted databases would leave a thousand of them.
constexpr std::size_t kPointErasesMax = 10'000;
// Iterators read whole blobs, so attachments are looked at sparingly.
constexpr std::size_t kBytesReadMax = std::size_t{16} << 20;
constexpr std::uint32_t kErasesPerBatch = 1'000;

struct ShardRange {
    explicit ShardRange(ShardId shard) : begin(shard_prefix(shard)), end(shard_end(shard)) {}
    std::string begin, end;
};

// Erases row by row. False: there are too many, and the rest is still there.
Result<bool> erase_few_rows(RocksdbDatabase &database, Table table, const ShardRange &range) {
    rocksdb::Slice upper = range.end;
    rocksdb::ReadOptions options;
    options.total_order_seek = true;
    options.fill_cache = false;
    options.iterate_upper_bound = &upper;
    std::unique_ptr<rocksdb::Iterator> row(database.db().NewIterator(options, database.family(table)));
    rocksdb::WriteBatch batch;
    std::size_t rows = 0;
    std::size_t bytes_read = 0;
    for (row->Seek(range.begin); row->Valid(); row->Next()) {
        bytes_read += row->value().size();
        if (++rows > kPointErasesMax || bytes_read > kBytesReadMax)
            return false;
        batch.Delete(database.family(table), row->key()).PermitUncheckedError();
        if (batch.Count() == kErasesPerBatch) {
            DIVAN_TRY_VOID(database.write(batch, false));
            batch.Clear();
        }
    }
    if (!row->status().ok())
        return RocksdbDatabase::read_error(row->status());
    if (batch.Count() > 0)
        DIVAN_TRY_VOID(database.write(batch, false));
    return true;
}

Result<void> compact(RocksdbDatabase &database, Table table, const ShardRange &range) {
    rocksdb::Slice begin = range.begin;
    rocksdb::Slice end = range.end;
    rocksdb::CompactRangeOptions options;
    // Others' flushes and compactions go on beside it.
    options.exclusive_manual_compaction = false;
    options.bottommost_level_compaction = rocksdb::BottommostLevelCompaction::kForceOptimized;
    options.blob_garbage_collection_policy = rocksdb::BlobGarbageCollectionPolicy::kForce;
    options.blob_garbage_collection_age_cutoff = 1.0;
    auto status = database.db().CompactRange(options, database.family(table), &begin, &end);
    if (!status.ok())
        return RocksdbDatabase::read_error(status);
    return {};
}

// Dropping whole files costs nothing and leaves no tombstone. It can bring erased rows of the shard
// back to sight, if their tombstone lay in such a file; the next step sees and erases them. It also
// parts single deletes from their puts, so a shard with these keys must never be written again.
Result<void> drop_files(RocksdbDatabase &database, Table table, const ShardRange &range) {
    rocksdb::Slice begin = range.begin;
    rocksdb::Slice end = range.end;
    rocksdb::RangePtr files(&begin, &end);
    auto status = rocksdb::DeleteFilesInRanges(&database.db(), database.family(table), &files, 1, false);
    if (!status.ok())
        return RocksdbDatabase::read_error(status);
    return {};
}

Result<void> erase_rows(RocksdbDatabase &database, Table table, const ShardRange &range) {
    // RocksDB 7.8 never frees the blobs of files that were dropped (facebook/rocksdb 12208).
    bool has_blobs = table == Table::attachments;
    if (!has_blobs)
        DIVAN_TRY_VOID(drop_files(database, table, range));
    DIVAN_TRY(bool erased, erase_few_rows(database, table, range));
    if (erased)
        return {};
    rocksdb::WriteBatch batch;
    batch.DeleteRange(database.family(table), range.begin, range.end).PermitUncheckedError();
    DIVAN_TRY_VOID(database.write(batch, false));
    // The files hold references only: compacting them is cheap, frees the blobs and the tombstone.
    return has_blobs ? compact(database, table, range) : Result<void>();
}

std::uint64_t property(RocksdbDatabase &database, Table table, const std::string &name) {
    std::uint64_t value = 0;
    return database.db().GetIntProperty(database.family(table), name, &value) ? value : 0;
}

// RocksDB's sizes leave blob files out: takes the shard's share of them to be its share of the
// files that refer to them.
std::uint64_t blob_bytes(RocksdbDatabase &database, std::uint64_t bytes_in_files) {
    auto all_blobs = property(database, Table::attachments, rocksdb::DB::Properties::kLiveBlobFileSize);
    auto all_files = property(database, Table::attachments, rocksdb::DB::Properties::kLiveSstFilesSize);
    if (all_files == 0)
        return 0;
    auto share = static_cast<double>(std::min(bytes_in_files, all_files)) / static_cast<double>(all_files);
    return static_cast<std::uint64_t>(static_cast<double>(all_blobs) * share);
}

} // namespace

Result<void> erase_rows_of_shard(RocksdbDatabase &database, ShardId shard) {
    DIVAN_TRY_VOID(database.check_writable());
    ShardRange range(shard);
    for (auto table : kTables)
        DIVAN_TRY_VOID(erase_rows(database, table, range));
    return database.sync();
}

Result<void> compact_rows_of_shard(RocksdbDatabase &database, ShardId shard) {
    ShardRange range(shard);
    for (auto table : kTables)
        DIVAN_TRY_VOID(compact(database, table, range));
    return {};
}

Result<std::uint64_t> approximate_bytes_of_shard(RocksdbDatabase &database, ShardId shard) {
    ShardRange shard_range(shard);
    rocksdb::Range range(shard_range.begin, shard_range.end);
    std::uint64_t sum = 0;
    for (auto table : kTables) {
        for (bool files : {false, true}) {
            rocksdb::SizeApproximationOptions options;
            options.include_files = files;
            options.include_memtables = !files;
            std::uint64_t bytes = 0;
            auto status =
                database.db().GetApproximateSizes(options, database.family(table), &range, 1, &bytes);
            if (!status.ok())
                return RocksdbDatabase::read_error(status);
            sum += bytes;
            if (files && table == Table::attachments)
                sum += blob_bytes(database, bytes);
        }
    }
    return sum;
}

} // namespace divan::kv
