#include "kv/rocksdb/rocksdb_options.h"

#include <rocksdb/cache.h>
#include <rocksdb/env.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/merge_operator.h>
#include <rocksdb/table.h>
#include <rocksdb/utilities/table_properties_collectors.h>
#include <rocksdb/write_buffer_manager.h>

namespace divan::kv {
namespace {

// Sums counter rows; see WriteBatch::add.
class AddCounters final : public rocksdb::AssociativeMergeOperator {
  public:
    bool Merge(const rocksdb::Slice & /*key*/, const rocksdb::Slice *existing, const rocksdb::Slice &value,
               std::string *sum, rocksdb::Logger * /*logger*/) const override {
        *sum = add_counters(existing == nullptr ? std::string_view() : existing->ToStringView(),
                            value.ToStringView());
        return true;
    }
    [[nodiscard]] const char *Name() const override { return "divan.AddCounters"; }
};

// Half of a window of rows erased: compact.
constexpr std::size_t kDeletionWindow = 4'096;
constexpr std::size_t kDeletionTrigger = 2'048;
// Operands of one counter row in memory before they are summed on writing.
constexpr std::size_t kMergesMax = 16;

} // namespace

Result<void> to_result(const rocksdb::Status &status) {
    if (status.ok())
        return {};
    return Error(status.IsCorruption() ? ErrorCode::corruption : ErrorCode::storage_failed,
                 "The storage engine failed: " + status.ToString());
}

RocksdbTuning make_rocksdb_tuning(const RocksdbOptions &options) {
    RocksdbTuning tuning;
    tuning.cache = rocksdb::NewLRUCache(options.memory_bytes_max);
    tuning.statistics = rocksdb::CreateDBStatistics();
    tuning.statistics->set_stats_level(rocksdb::StatsLevel::kExceptHistogramOrTimers);

    auto &database = tuning.database;
    database.create_if_missing = true;
    database.create_missing_column_families = true;
    if (options.env != nullptr)
        database.env = options.env;
    database.statistics = tuning.statistics;
    // Write buffers are paid from the cache: one ceiling for both.
    database.write_buffer_manager =
        std::make_shared<rocksdb::WriteBufferManager>(options.memory_bytes_max / 4, tuning.cache);
    database.max_background_jobs = options.background_threads;
    database.max_total_wal_size = 256u << 20;
    database.max_open_files = 4'096;
    database.info_log_level = rocksdb::WARN_LEVEL;
    database.keep_log_file_num = 4;
    database.max_log_file_size = 4u << 20;
    database.bytes_per_sync = 1u << 20;
    database.enable_pipelined_write = false;
    database.wal_recovery_mode = rocksdb::WALRecoveryMode::kTolerateCorruptedTailRecords;

    rocksdb::BlockBasedTableOptions table;
    table.block_cache = tuning.cache;
    table.block_size = 8u << 10;
    table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
    table.cache_index_and_filter_blocks = true;
    table.pin_l0_filter_and_index_blocks_in_cache = true;
    table.format_version = 5;

    rocksdb::ColumnFamilyOptions family;
    family.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
    family.write_buffer_size = 64u << 20;
    family.level_compaction_dynamic_level_bytes = true;
    family.compression = rocksdb::kLZ4Compression;
    family.bottommost_compression = rocksdb::kZSTD;
    family.merge_operator = std::make_shared<AddCounters>();
    family.max_successive_merges = kMergesMax;

    auto churning = family;
    churning.table_properties_collector_factories.push_back(
        rocksdb::NewCompactOnDeletionCollectorFactory(kDeletionWindow, kDeletionTrigger));

    auto blobs = family;
    blobs.enable_blob_files = true;
    blobs.min_blob_size = 4u << 10;
    blobs.enable_blob_garbage_collection = true;
    blobs.blob_garbage_collection_age_cutoff = 0.5;

    tuning.families = {{rocksdb::kDefaultColumnFamilyName, rocksdb::ColumnFamilyOptions()},
                       {"documents", churning},
                       {"sequences", churning},
                       {"index", churning},
                       {"attachments", blobs}};
    return tuning;
}

} // namespace divan::kv
