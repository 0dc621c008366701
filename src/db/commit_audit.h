#pragma once

// Who keeps a record of writes, in the commits that make them. The composition root gives one to the store;
// this module knows nothing of records.

#include "db/types.h"
#include "db/write_validator.h"

#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace divan::db {

// An edit that is part of the commit.
struct AuditedEdit {
    std::string_view id;
    const doc::RevId *rev = nullptr;
    std::optional<doc::RevId> replaced; // the revision it descends from
    bool deleted = false;
};

// What one caller of Database::write() wrote in the commit. Valid during the call that gets it.
struct AuditedWrite {
    std::shared_ptr<const WriteContext> author;
    std::vector<AuditedEdit> edits;
};

// Threads: any.
class CommitAudit {
  public:
    virtual ~CommitAudit() = default;
    // Whether accepted edits of this document are told to append(). Never blocks; called for each edit.
    [[nodiscard]] virtual bool records(std::string_view database, std::string_view id) const = 0;
    // Adds rows to the batch of the commit, which holds the shard: in Table::documents, under keys that begin
    // with `a` (keys::kAuditPrefix). `first` is the first sequence of the commit: no other commit of the
    // shard has it. Never blocks.
    virtual void append(std::string_view database, kv::Sequence first, std::span<const AuditedWrite> writes,
                        kv::WriteBatch &batch) = 0;
    // Such a commit was made, or it is not known whether it was. Never blocks.
    virtual void committed(kv::ShardId shard) = 0;
    // The rows of a deleted database are about to be erased; nobody writes there any more. An error: they
    // stay until the next round. May block on the engine.
    virtual Result<void> before_erase(kv::ShardId shard) = 0;
};

} // namespace divan::db
