#pragma once

// `divan migrate`: copies every database of a server that speaks CouchDB's protocol to another one.

#include "cli/replication_host.h"
#include "cli/replication_tuning.h"

#include <cstdint>
#include <string>
#include <vector>

namespace divan::cli {

struct MigrateCommand {
    std::string from;          // URL of the old server
    std::string to;            // empty: DIVAN_URL, or http://127.0.0.1:5984
    std::string bearer_source; // names of environment variables
    std::string bearer_target;
    ConnectionOptions connection;

    std::vector<std::string> databases; // globs; empty: all
    std::vector<std::string> excluded;  // globs
    bool local_documents = false;
    bool no_verify = false;
    bool follow = false;
    bool dry_run = false;
    std::int64_t parallel = 2;         // databases at once
    std::int64_t follow_seconds = 2;   // between two looks
    std::int64_t differences_max = 20; // shown of each database
    TuningOptions tuning;              // of each replication; the timeout of every request

    bool json = false;
    bool quiet = false;
};

// Prints to the standard output, errors to the standard error. Returns the exit status: 0 everything is there
// (or stopped by a signal while it followed), 1 a database failed, 2 wrong command line, 3 everything was
// copied, but documents were refused or the servers differ.
[[nodiscard]] int run_migrate(const MigrateCommand &command);

} // namespace divan::cli
