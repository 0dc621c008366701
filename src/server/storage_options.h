#pragma once

// The settings of databases and of the embedded engine.

#include "base/clock.h"
#include "config/config.h"
#include "db/store.h"
#include "kv/rocksdb/rocksdb_engine.h"

#include <string>

namespace divan::server {

// `data_directory`: whose free space is watched; empty = none.
[[nodiscard]] db::StoreOptions store_options(const config::Config &config, const std::string &data_directory);
// The engine lies in the data directory. `clock` outlives it.
[[nodiscard]] kv::RocksdbOptions rocksdb_options(const config::Config &config,
                                                 const std::string &data_directory, const Clock &clock);

} // namespace divan::server
