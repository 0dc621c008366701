#pragma once

// What a simulation is like: drawn from its seed, or made by a test.

#include "simulation/simulated_server.h"
#include "simulation/workload.h"

#include <functional>
#include <string>
#include <vector>

namespace divan::simulation {

struct PlannedJob {
    std::size_t runner = 0; // the node
    Job job;
    std::size_t source = 0;
    std::size_t target = 0;
};

struct Plan {
    std::uint64_t seed = 0;
    DiskBugs bugs;
    std::vector<std::string> nodes;
    std::vector<PlannedJob> jobs;
    ServerOptions server;
    std::size_t clients = 2;
    WorkloadOptions workload;
    Millis trouble_for{20'000}; // so long clients write, and everything fails that may
    NetworkFaults network;
    // Between two troubles of a node or of the network between two; 0 = none.
    Millis trouble_every_max{4'000};
    // Is told in a line what is asked and what goes wrong: for people.
    std::function<void(const std::string &)> tell;
};

[[nodiscard]] Plan draw_plan(std::uint64_t seed, DiskBugs bugs);

// A replication between the databases `db` of two nodes, run by a third or by one of them.
[[nodiscard]] replication::Replication between(const std::string &runner, const std::string &source,
                                               const std::string &target);

} // namespace divan::simulation
