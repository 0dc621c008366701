#pragma once

// Stands before the validator of a store: whatever somebody writes to a `_replicator` database, by whatever
// route, names its owner and can be a replication. Replicated edits and the server's own pass.
//
// Threads: any.

#include "db/write_validator.h"

namespace divan::config {
class Config;
}

namespace divan::replication {

class DocumentGuard final : public db::WriteValidator {
  public:
    // Both outlive the guard.
    DocumentGuard(db::WriteValidator &next, const config::Config &config) : next_(next), config_(config) {}

    // Errors of edits: forbidden with CouchDB's reasons.
    std::vector<Result<void>> amend(const db::Database &database, const db::WriteContext &context,
                                    std::vector<db::Edit> &edits) override;
    [[nodiscard]] std::optional<bool> applies_cached(const db::Database &database) override {
        return next_.applies_cached(database);
    }
    [[nodiscard]] Result<bool> applies(db::Database &database) override { return next_.applies(database); }
    void judge(db::Database &database, const db::WriteContext &context, std::vector<db::JudgedEdit> edits,
               Done done) override {
        next_.judge(database, context, std::move(edits), std::move(done));
    }

  private:
    db::WriteValidator &next_;
    const config::Config &config_;
};

} // namespace divan::replication
