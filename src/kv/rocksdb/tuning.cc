#include "kv/rocksdb/tuning.h"

#include "kv/rocksdb/counter_merge.h"
#include "kv/rocksdb/erasure_collector.h"

#include <rocksdb/cache.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/table.h>
#include <rocksdb/write_buffer_manager.h>

#include <algorithm>

#include <sys/resource.h>

namespace divan::kv {
namespace {

constexpr std::size_t kMebibyte = std::size_t{1} << 20;

// Leaves at least half of the process's descriptors to connections.
int open_files_max() {
    rlimit limit{};
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return 256;
    return static_cast<int>(std::clamp<rlim_t>(limit.rlim_cur / 2, 64, 8'192));
}

rocksdb::BlockBasedTableOptions table_options(const RocksdbShared &shared, std::size_t block_bytes) {
    rocksdb::BlockBasedTableOptions table;
    table.block_cache = shared.cache;
    table.block_size = block_bytes;
    // Inside the cache, so that the memory limit holds whatever the number of files.
    table.cache_index_and_filter_blocks = true;
    table.pin_l0_filter_and_index_blocks_in_cache = true;
    table.checksum = rocksdb::kXXH3;
    table.format_version = 5;
    return table;
}

rocksdb::ColumnFamilyOptions common_family(const RocksdbOptions &options) {
    rocksdb::ColumnFamilyOptions family;
    family.write_buffer_size = std::clamp(options.memory_bytes_max / 16, kMebibyte, 64 * kMebibyte);
    family.max_write_buffer_number = 4;
    family.target_file_size_base = 32 * kMebibyte;
    family.max_bytes_for_level_base = 256 * kMebibyte;
    family.level_compaction_dynamic_level_bytes = true;
    family.compression = rocksdb::kLZ4Compression;
    family.bottommost_compression = rocksdb::kZSTD;
    family.merge_operator = std::make_shared<CounterMerge>();
    // A counter that every commit adds to would otherwise be a chain as long as the memory table.
    family.max_successive_merges = 16;
    return family;
}

// Point reads of heads and bodies, half of them for documents that do not exist yet.
rocksdb::ColumnFamilyOptions documents_family(const RocksdbOptions &options, const RocksdbShared &shared) {
    auto family = common_family(options);
    auto table = table_options(shared, 8'192);
    table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
    family.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
    family.table_properties_collector_factories = {std::make_shared<ErasureCollectorFactory>()};
    return family;
}

// Scanned, hardly ever read by key: no filter. Every edit erases an entry.
rocksdb::ColumnFamilyOptions sequences_family(const RocksdbOptions &options, const RocksdbShared &shared) {
    auto family = common_family(options);
    auto table = table_options(shared, 16'384);
    family.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
    family.table_properties_collector_factories = {std::make_shared<ErasureCollectorFactory>()};
    return family;
}

rocksdb::ColumnFamilyOptions index_family(const RocksdbOptions &options, const RocksdbShared &shared) {
    auto family = common_family(options);
    auto table = table_options(shared, 16'384);
    table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
    family.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
    family.table_properties_collector_factories = {std::make_shared<ErasureCollectorFactory>()};
    return family;
}

// Chunks leave the tree of files when they are flushed: compactions move 20 bytes, not a mebibyte.
rocksdb::ColumnFamilyOptions attachments_family(const RocksdbOptions &options, const RocksdbShared &shared) {
    auto family = common_family(options);
    auto table = table_options(shared, 8'192);
    table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
    family.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
    family.enable_blob_files = true;
    family.min_blob_size = 4'096;
    family.blob_file_size = 128 * kMebibyte;
    family.blob_compression_type = rocksdb::kLZ4Compression;
    family.enable_blob_garbage_collection = true;
    family.blob_garbage_collection_age_cutoff = 0.5;
    // Not the force threshold: with it, 7.8 aborts when a blob file has no file that refers to it.
    // Erasures start the compactions instead.
    family.table_properties_collector_factories = {std::make_shared<ErasureCollectorFactory>()};
    return family;
}

} // namespace

RocksdbShared make_shared_options(const RocksdbOptions &options) {
    RocksdbShared shared;
    // Blocks read once by a scan cannot push out more than half: the other half is for those that
    // were hit again.
    shared.cache = rocksdb::NewLRUCache(options.memory_bytes_max, -1, false, 0.5);
    shared.statistics = rocksdb::CreateDBStatistics();
    shared.statistics->set_stats_level(rocksdb::StatsLevel::kExceptHistogramOrTimers);

    auto &db = shared.options;
    db.create_if_missing = true;
    db.create_missing_column_families = true;
    db.write_buffer_manager =
        std::make_shared<rocksdb::WriteBufferManager>(options.memory_bytes_max / 4, shared.cache);
    db.statistics = shared.statistics;
    if (options.environment)
        db.env = options.environment.get();
    db.max_background_jobs = options.background_jobs_max;
    db.max_open_files = open_files_max();
    // Bounds the time of a start after a kill.
    db.max_total_wal_size = 256 * kMebibyte;
    db.bytes_per_sync = kMebibyte;
    // A write that failed is not tried again behind our back: the engine refuses until reopened.
    db.max_bgerror_resume_count = 0;
    // Files dropped from an erased shard can leave a single delete without its put; where it then
    // meets a plain delete, a compaction would fail and stop the engine for all shards.
    db.enforce_single_del_contracts = false;
    db.avoid_unnecessary_blocking_io = true;
    db.info_log_level = rocksdb::InfoLogLevel::WARN_LEVEL;
    db.max_log_file_size = 4 * kMebibyte;
    db.keep_log_file_num = 4;
    db.stats_dump_period_sec = 0;
    db.stats_persist_period_sec = 0;
    return shared;
}

std::vector<rocksdb::ColumnFamilyDescriptor> make_families(const RocksdbOptions &options,
                                                           const RocksdbShared &shared) {
    return {
        {rocksdb::kDefaultColumnFamilyName, rocksdb::ColumnFamilyOptions()},
        {"documents", documents_family(options, shared)},
        {"sequences", sequences_family(options, shared)},
        {"index", index_family(options, shared)},
        {"attachments", attachments_family(options, shared)},
    };
}

} // namespace divan::kv
