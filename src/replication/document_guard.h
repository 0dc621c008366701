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
    std::vector<Result<void>> amend(db::Database &database, const db::WriteContext &context,
                                    std::vector<db::Edit> &edits) override;
    [[nodiscard]] bool amends_slowly(const db::Database &database,
                                     const std::vector<db::Edit> &edits) override {
        return next_.amends_slowly(database, edits);
    }
    [[nodiscard]] std::optional<std::vector<bool>>
    judged_cached(const db::Database &database, const db::WriteContext &context, Edits edits) override {
        return next_.judged_cached(database, context, edits);
    }
    [[nodiscard]] Result<std::vector<bool>> judged(db::Database &database, const db::WriteContext &context,
                                                   Edits edits) override {
        return next_.judged(database, context, edits);
    }
    void judge(db::Database &database, const db::WriteContext &context, std::vector<db::JudgedEdit> edits,
               Done done) override {
        next_.judge(database, context, std::move(edits), std::move(done));
    }

  private:
    db::WriteValidator &next_;
    const config::Config &config_;
};

} // namespace divan::replication
