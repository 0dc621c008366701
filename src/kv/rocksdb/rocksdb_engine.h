#pragma once

// The production engine: one RocksDB for all databases, four column families, one cache and one
// write-buffer budget, one write-ahead log whose syncs are shared.

#include "kv/engine.h"

#include <memory>
#include <string>

namespace rocksdb {
class Env;
}

namespace divan::kv {

struct RocksdbOptions {
    std::string directory;
    std::size_t memory_bytes_max = 1u << 30; // block cache and write buffers together
    int background_threads = 2;
    // Tests put a file system below that fails or forgets; null = the system's. Outlives the engine.
    rocksdb::Env *env = nullptr;
    Clock *clock = nullptr; // for the age of snapshots; null = they do not age
};

// Opens or makes the database in a directory. Errors: service_unavailable if another process has
// it open, storage_failed or corruption with RocksDB's reason.
[[nodiscard]] Result<std::unique_ptr<Engine>> open_rocksdb_engine(const RocksdbOptions &options);

} // namespace divan::kv
