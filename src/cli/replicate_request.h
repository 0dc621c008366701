#pragma once

// The command line of `divan replicate` as an object of `_replicate`, so that it means the same. Reads
// nothing but the file of --doc-ids-file.

#include "cli/replication_endpoint.h"
#include "cli/replication_host.h"
#include "cli/replication_tuning.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace divan::cli {

struct ReplicateCommand {
    std::string source; // a URL, or the name of a database of `url`
    std::string target;
    std::string url;           // empty: DIVAN_URL, or http://127.0.0.1:5984
    std::string bearer_source; // names of environment variables
    std::string bearer_target;
    ConnectionOptions connection;

    bool continuous = false;
    bool create_target = false;
    std::optional<std::int64_t> create_q;
    bool create_partitioned = false;
    bool winning_revs_only = false;
    bool no_checkpoints = false;
    std::string filter;                    // "ddoc/name"
    std::vector<std::string> query_params; // "name=value"
    std::string view;                      // "ddoc/view"
    std::string selector;                  // JSON
    std::vector<std::string> doc_ids;
    std::string doc_ids_file; // one id a line
    std::string since_seq;
    TuningOptions tuning;
    std::optional<std::int64_t> checkpoint_seconds;
    std::optional<std::int64_t> kilobytes_per_second;
    std::int64_t retry_first_seconds = 5; // between sessions that fail, doubling
    std::int64_t retry_max_seconds = 300;

    bool reset_checkpoint = false;
    std::string id; // of reset_checkpoint: another job's; empty: that of these options
    bool yes = false;

    bool json = false;
    bool quiet = false;
};

// Errors: bad_request that says what is wrong with an option.
[[nodiscard]] Result<json::Object> replication_object(const ReplicateCommand &command,
                                                      const Environment &environment);

} // namespace divan::cli
