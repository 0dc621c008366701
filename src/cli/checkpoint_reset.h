#pragma once

// `divan replicate --reset-checkpoint`: shows what a replication has recorded and what forgetting it costs,
// asks, and removes the `_local` documents at both ends.

#include "cli/replication_host.h"

#include <string>

namespace divan::cli {

struct ResetOptions {
    std::string id;   // of a job, with or without "+continuous"; empty: that of the replication
    bool yes = false; // without asking
    bool json = false;
};

// Returns the exit status: 0 nothing is recorded any more, 1 failed or not agreed to, 2 nobody can be asked.
[[nodiscard]] int reset_checkpoint(ReplicationHost &host, const replication::Replication &replication,
                                   const ResetOptions &options);

} // namespace divan::cli
