#pragma once

// `divan replicate`: runs a replication in this process, between two servers, and shows how far it is.

#include "cli/replicate_request.h"

namespace divan::cli {

// Prints to the standard output, errors to the standard error. Returns the exit status: 0 done (or stopped by
// a signal in continuous mode), 1 failed, 2 wrong command line, 3 done but the target refused documents.
[[nodiscard]] int run_replicate(const ReplicateCommand &command);

} // namespace divan::cli
