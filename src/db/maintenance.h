#pragma once

// Background work on one database. Each call blocks; each may be interrupted and run again.

#include "db/database_state.h"

#include <chrono>

namespace divan::db {

// Removes the bodies of replaced revisions but for the newest few of each branch, and returns space.
// Does nothing while another compaction of the database runs.
[[nodiscard]] Result<void> compact(Database::State &state, std::uint64_t keep_newest);

// Whether replaced revisions take enough space for automatic compaction.
[[nodiscard]] Result<bool> needs_compaction(Database::State &state);

// Purges documents that have been deleted for at least this long (CouchDB's auto purge).
[[nodiscard]] Result<void> expire_tombstones(Database::State &state, std::chrono::hours age_min);

} // namespace divan::db
