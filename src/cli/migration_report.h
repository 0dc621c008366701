#pragma once

// What a migration says: how far it is, what came over, what differs, what clients will notice. Pure.

#include "cli/database_migration.h"
#include "json/writer.h"

#include <map>
#include <string>
#include <vector>

namespace divan::cli {

// "a, b, c"
[[nodiscard]] std::string joined(const std::vector<std::string> &names);

// "1,234 documents copied, 3.1 MB, equal"
[[nodiscard]] std::string report_text(const DatabaseReport &report);
// A line for each of at most `differences_max`, and one for the others.
[[nodiscard]] std::vector<std::string> shown_differences(const DatabaseReport &report,
                                                         std::int64_t differences_max);
void write_report(json::ObjectWriter &writer, const DatabaseFacts &facts, const DatabaseReport &report);
void write_plan(json::ObjectWriter &writer, const DatabaseFacts &facts);

// What the sequences of the old server are worth to clients of the new one.
[[nodiscard]] std::string clients_text(bool local_documents, bool numeric_sequences);
// How paused replications are started.
extern const char *const kPausedText;

// Over all databases, while they are copied.
class MigrationProgress {
  public:
    void add(const DatabaseFacts &facts, MigrationStep step, const replication::Progress &progress);
    [[nodiscard]] std::uint64_t changes() const { return changes_; }
    [[nodiscard]] std::uint64_t changes_done() const { return changes_done_; }
    // "3 of 10 databases, now orders, users (comparing)"
    [[nodiscard]] std::string text() const;
    void write(json::ObjectWriter &writer) const;

  private:
    std::uint64_t changes_ = 0;
    std::uint64_t changes_done_ = 0;
    std::uint64_t databases_ = 0;
    std::uint64_t databases_done_ = 0;
    std::uint64_t bytes_ = 0;
    std::vector<std::string> now_;
};

// Over all databases and all runs. A database counts once, as it stood last.
class MigrationTotal {
  public:
    // How a run ended. `whole`: it was made and compared; else only what was new was copied. One that was
    // stopped leaves what is known of its database.
    void add(const DatabaseFacts &facts, const DatabaseReport &report, bool whole);
    // It is not at the old server any more: what failed there does not matter.
    void forget_failure(const std::string &database);

    [[nodiscard]] const Done &done() const { return done_; }
    [[nodiscard]] std::uint64_t paused() const { return paused_; }
    [[nodiscard]] bool numeric_sequences() const { return numeric_sequences_; }
    // The exit status.
    [[nodiscard]] int status() const;
    [[nodiscard]] std::string text() const;
    void write(json::ObjectWriter &writer) const;

  private:
    struct Standing {
        bool failed = false;
        bool compared = false;
        bool differs = false;
    };
    [[nodiscard]] std::uint64_t count(bool Standing::*what) const;

    std::map<std::string, Standing> databases_; // by name
    Done done_;
    std::uint64_t bytes_ = 0;
    std::uint64_t paused_ = 0;
    std::uint64_t local_documents_ = 0;
    bool numeric_sequences_ = false;
};

} // namespace divan::cli
