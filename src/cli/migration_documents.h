#pragma once

// What a migration copies besides replicating: documents of `_replicator` databases, so that they do not
// start, and `_local` documents. Neither ever replaces what the new server has.

#include "cli/migration_server.h"

#include <cstdint>
#include <string>

namespace divan::cli {

// A document of a `_replicator` database without its revision, as the new server passes it over: failed, with
// a reason that says how to start it; documents that have ended stay as they are. Pure.
[[nodiscard]] json::Object paused_document(const json::Object &document, const std::string &now);
// Whether a `_local` document is worth copying: not what servers note about their own shards and views. Pure.
[[nodiscard]] bool is_foreign_local(std::string_view id);

struct CopiedDocuments {
    std::uint64_t copied = 0;
    std::uint64_t paused = 0; // of them
    std::uint64_t there = 0;  // already, and left as they are; those that were deleted there, too
};

// Winning revisions; design documents are left out. Errors: as the servers answer.
Result<CopiedDocuments> copy_replicator_documents(MigrationServer &from, MigrationServer &to,
                                                  const std::string &database, const std::string &now);
// All foreign ones but `_local/OWN`.
Result<CopiedDocuments> copy_local_documents(MigrationServer &from, MigrationServer &to,
                                             const std::string &database, const std::string &own);

} // namespace divan::cli
