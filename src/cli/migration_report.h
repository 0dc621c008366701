#pragma once

// What a migration says: how far it is, what came over, what differs, what clients will notice. Pure.

#include "cli/database_migration.h"
#include "json/writer.h"

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

// Over all databases, at the end.
struct MigrationTotal {
    std::uint64_t databases = 0;
    std::uint64_t failed = 0;
    std::uint64_t differing = 0;
    std::uint64_t compared = 0;
    std::uint64_t paused = 0;
    std::uint64_t bytes = 0;
    bool numeric_sequences = false;
    Done done;

    void add(const DatabaseFacts &facts, const DatabaseReport &report);
    void add_followed(const DatabaseReport &report);
    [[nodiscard]] bool differs() const { return differing > 0 || done.documents_refused > 0; }
    // The exit status.
    [[nodiscard]] int status() const;
    [[nodiscard]] std::string text() const;
    void write(json::ObjectWriter &writer) const;
};

} // namespace divan::cli
