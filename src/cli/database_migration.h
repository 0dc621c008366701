#pragma once

// The migration of one database: made with its settings, copied, compared.

#include "cli/leaf_verification.h"
#include "cli/migrate_command.h"
#include "cli/migration_plan.h"
#include "cli/replication_progress.h"

#include <atomic>
#include <optional>
#include <string>
#include <vector>

namespace divan::cli {

enum class MigrationStep : std::uint8_t { waiting, settings, copying, comparing, done };

// How a database came over.
struct DatabaseReport {
    std::string failure;            // empty: it did not fail
    bool stopped = false;           // it failed, because it was cancelled
    std::vector<std::string> notes; // what an operator should know
    Done done;
    std::uint64_t bytes = 0; // in and out
    std::uint64_t paused = 0;
    std::uint64_t local_documents = 0;
    std::optional<Verification> verification;
    std::vector<std::string> differing_settings;

    [[nodiscard]] bool ok() const { return failure.empty(); }
    [[nodiscard]] bool equal() const {
        return differing_settings.empty() && (!verification || verification->equal());
    }
};

// Made, looked at and destroyed by one thread; run() by another.
class DatabaseMigration {
  public:
    DatabaseMigration(ReplicationHost &host, const MigrateCommand &command, DatabaseFacts facts)
        : host_(host), command_(command), facts_(std::move(facts)) {}

    // The whole of it. Waits. Once.
    void run(MigrationServer &from, MigrationServer &to);
    // What is new since the last run; for --follow. Its report has only that.
    void follow(MigrationServer &from, MigrationServer &to);

    // ---- any thread
    void cancel();
    [[nodiscard]] MigrationStep step() const { return step_; }
    // Of the session that runs, or ran last.
    [[nodiscard]] replication::Progress progress() { return host_.look(progress_); }

    [[nodiscard]] const DatabaseFacts &facts() const { return facts_; }
    [[nodiscard]] const DatabaseReport &report() const { return report_; } // REQUIRES: step() is done

  private:
    [[nodiscard]] bool is_replicator() const;
    [[nodiscard]] Result<replication::Replication> replication(const MigrationServer &from,
                                                               const MigrationServer &to) const;
    void note_end(const Result<void> &end);
    Result<void> migrate(MigrationServer &from, MigrationServer &to);
    Result<void> create(MigrationServer &to);
    Result<void> copy_settings(MigrationServer &from, MigrationServer &to);
    Result<void> copy(const replication::Replication &replication);
    Result<void> copy_locals(const replication::Replication &replication, MigrationServer &from,
                             MigrationServer &to);
    Result<void> copy_replicator(MigrationServer &from, MigrationServer &to);
    Result<void> compare(const replication::Replication &replication, MigrationServer &from,
                         MigrationServer &to);
    Result<void> compare_settings(MigrationServer &from, MigrationServer &to);

    ReplicationHost &host_;
    const MigrateCommand &command_;
    const DatabaseFacts facts_;
    std::atomic<MigrationStep> step_ = MigrationStep::waiting;
    replication::Progress progress_; // on the loop
    Cancellation cancellation_;      // on the loop
    DatabaseReport report_;
};

} // namespace divan::cli
