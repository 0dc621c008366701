#pragma once

// Documents that a target does not take: noted on the replication loop, told by the thread that prints.

#include "cli/command_output.h"
#include "replication/peer.h"

#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace divan::cli {

struct RefusedDocument {
    std::string source; // URL of its database, for people
    replication::Refusal refusal;
};

// Threads: any.
class Refusals {
  public:
    // Between two calls of take() so many are kept; the others are counted.
    explicit Refusals(std::size_t kept_max = 1'000) : kept_max_(kept_max) {}

    void note(const replication::Replication &replication, const replication::Refusal &refusal);

    struct News {
        std::vector<RefusedDocument> refused;
        std::uint64_t dropped = 0; // that were not kept
    };
    // What came since the last call.
    [[nodiscard]] News take();

  private:
    const std::size_t kept_max_;
    std::mutex mutex_;
    News news_;
};

// Tells what came since the last call: for each document a line (`who` refuses it) or an event `refused`, and
// how many were not kept. The thread of `output`.
void tell_refusals(Refusals &refusals, std::string_view who, CommandOutput &output);

} // namespace divan::cli
