#pragma once

// The production engine: one RocksDB instance for all shards. kv/engine.h is the contract,
// README.md in src/kv the mapping, docs/formats/engine.md the bytes.
//
// No RocksDB header is included here, so that who opens an engine does not depend on it.

#include "kv/engine.h"

#include <filesystem>

namespace rocksdb {
class Env;
} // namespace rocksdb

namespace divan::kv {

struct RocksdbOptions {
    // Made if missing, parents too. One process at a time may have it open.
    std::filesystem::path directory = {};

    // Block cache and memory tables together; a quarter is for memory tables. Table readers and
    // iterators come on top, a few per cent.
    std::size_t memory_bytes_max = std::size_t{1} << 30;

    // Flushes and compactions at once.
    int background_jobs_max = 2;

    // Reads through an older snapshot answer ErrorCode::service_unavailable, so that a forgotten
    // snapshot cannot keep replaced rows on disk for ever.
    Millis snapshot_age_max{600'000};

    // Measures the age of snapshots. REQUIRES: not null; outlives the engine.
    const Clock *clock = nullptr;

    // Nothing is written, not even a repair, and another process may have the directory open; it must be
    // there. Every write is refused with storage_failed.
    bool read_only = false;

    // The file system below, for tests that drop what was not synced; null = the system's.
    // Shared by the engine and the test.
    std::shared_ptr<rocksdb::Env> environment = {};
};

// Opens the directory, or makes an empty engine there. Whatever an interrupted process left behind
// is repaired from the write-ahead log, which holds every acknowledged commit.
// Errors: service_unavailable if another process has the directory open, corruption if files are
// damaged, not_implemented if a newer version wrote it, else storage_failed with what the system said.
// The engine closes the directory when it is destroyed; nothing needs to be written for that.
[[nodiscard]] Result<std::unique_ptr<Engine>> open_rocksdb_engine(RocksdbOptions options);

// Of the library: "7.8.3".
[[nodiscard]] std::string rocksdb_version();

} // namespace divan::kv
