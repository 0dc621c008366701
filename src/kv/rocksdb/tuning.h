#pragma once

// How the four tables are laid out in RocksDB. Internal to kv/rocksdb.

#include "kv/rocksdb/rocksdb_engine.h"

#include <rocksdb/db.h>
#include <rocksdb/statistics.h>

namespace divan::kv {

// What the column families of one instance share.
struct RocksdbShared {
    std::shared_ptr<rocksdb::Cache> cache;
    std::shared_ptr<rocksdb::Statistics> statistics;
    rocksdb::DBOptions options;
};

[[nodiscard]] RocksdbShared make_shared_options(const RocksdbOptions &options);

// The default family, which holds only the format row, then one for each Table in its order.
[[nodiscard]] std::vector<rocksdb::ColumnFamilyDescriptor> make_families(const RocksdbOptions &options,
                                                                         const RocksdbShared &shared);

} // namespace divan::kv
