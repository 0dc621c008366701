#pragma once

// How RocksDB is tuned, and how its statuses become ours. For the files of this module only.

#include "kv/rocksdb/rocksdb_engine.h"

#include <rocksdb/db.h>
#include <rocksdb/statistics.h>

#include <vector>

namespace divan::kv {

struct RocksdbTuning {
    rocksdb::DBOptions database;
    std::vector<rocksdb::ColumnFamilyDescriptor> families; // the default one, then one a Table
    std::shared_ptr<rocksdb::Statistics> statistics;
    std::shared_ptr<rocksdb::Cache> cache;
};

[[nodiscard]] RocksdbTuning make_rocksdb_tuning(const RocksdbOptions &options);

// Errors: corruption, storage_failed, with RocksDB's words.
[[nodiscard]] Result<void> to_result(const rocksdb::Status &status);

} // namespace divan::kv
