#pragma once

// Where a migration says what goes on: lines for people, or events.
//
// Threads: one, but for refused(), which any thread may call.

#include "cli/command_output.h"
#include "cli/index_progress.h"
#include "cli/migrate_command.h"
#include "cli/migration_report.h"
#include "cli/refusals.h"

#include <string>
#include <string_view>
#include <vector>

namespace divan::cli {

class MigrationOutput {
  public:
    explicit MigrationOutput(const MigrateCommand &command)
        : command_(command), output_(command.json, command.quiet) {}

    // Why nothing can be done.
    void failed(const std::string &reason);
    // Something that passes; not for machines, which see what comes of it.
    void trouble(const std::string &text);
    // Replaces what a terminal shows.
    void show(const std::string &text) { output_.show(text); }

    // `from`, `to`: URLs for people; `skipped`: databases that are left out.
    void plan(const std::string &from, const std::string &to, const std::vector<DatabaseFacts> &databases,
              const std::vector<std::string> &skipped);
    // What became of a database.
    void database(const DatabaseFacts &facts, const DatabaseReport &report);
    // How far all of them are; `line`: also where there is no terminal, and for machines.
    void progress(const MigrationProgress &progress, const IndexProgress &rate, bool line);
    void refused(const replication::Replication &replication, const replication::Refusal &refusal) {
        refusals_.note(replication, refusal);
    }
    // Those since the last call.
    void tell_refusals() { cli::tell_refusals(refusals_, "the new server", output_); }
    void up_to_date(const MigrationTotal &total);

    struct End {
        int status = 0;
        double seconds = 0;
        bool stopped = false;    // by a signal
        bool before_end = false; // of the first pass
    };
    void end(const MigrationTotal &total, const End &end);

  private:
    const MigrateCommand &command_;
    CommandOutput output_;
    Refusals refusals_;
};

} // namespace divan::cli
