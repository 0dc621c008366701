#pragma once

// The background work on one shard: erasing, compacting, measuring. Internal to kv/rocksdb.

#include "kv/rocksdb/database.h"

namespace divan::kv {

// As Engine::erase_shard. May be interrupted anywhere and called again.
Result<void> erase_rows_of_shard(RocksdbDatabase &database, ShardId shard);
Result<void> compact_rows_of_shard(RocksdbDatabase &database, ShardId shard);
Result<std::uint64_t> approximate_bytes_of_shard(RocksdbDatabase &database, ShardId shard);

} // namespace divan::kv
