#pragma once

// Gives the audit log the writes of documents, in the commits that make them.

#include "audit/log.h"
#include "base/clock.h"
#include "db/commit_audit.h"

#include <string>

namespace divan::access {

class CommitRecorder final : public db::CommitAudit {
  public:
    // Log and clock outlive it.
    CommitRecorder(audit::Log &log, const Clock &clock, std::string users_database)
        : log_(log), clock_(clock), users_database_(std::move(users_database)) {}

    [[nodiscard]] bool records(std::string_view database, std::string_view id) const override;
    void append(std::string_view database, kv::Sequence first, std::span<const db::AuditedWrite> writes,
                kv::WriteBatch &batch) override;
    void committed(kv::ShardId shard) override { log_.note_pending(shard); }
    Result<void> before_erase(kv::ShardId shard) override { return log_.retire(shard); }

  private:
    // What the record of a write of this document is: design documents, users and replications have kinds of
    // their own.
    [[nodiscard]] audit::Kind kind_of(std::string_view database, std::string_view id) const;

    audit::Log &log_;
    const Clock &clock_;
    const std::string users_database_;
};

} // namespace divan::access
