#pragma once

// Whether two databases hold the same leaves, read from their feeds.

#include "cli/leaf_digest.h"
#include "cli/replication_host.h"

namespace divan::cli {

struct Verification {
    std::uint64_t documents = 0; // of the source, deleted ones included
    std::vector<LeafDifference> differences;
    bool too_many = false; // to be listed: `differences` is empty

    [[nodiscard]] bool equal() const { return differences.empty() && !too_many; }
};

// Reads the feeds of both ends of a replication; twice where they differ. Memory: a megabyte, and the
// documents of buckets that differ. Waits. Errors: as the ends answer; cancelled.
Result<Verification> verify_leaves(ReplicationHost &host, const replication::Replication &replication,
                                   Cancellation &cancellation);

} // namespace divan::cli
