#include "simulation/plan.h"

#include <algorithm>
#include <fmt/format.h>

namespace divan::simulation {
namespace {

enum class Topology : std::uint8_t { ring, star, mesh };
using Edges = std::vector<std::pair<std::size_t, std::size_t>>;

Edges edges_of(Topology topology, std::size_t nodes) {
    Edges edges;
    for (std::size_t a = 0; a < nodes; ++a)
        for (std::size_t b = 0; b < nodes; ++b) {
            bool next = b == (a + 1) % nodes;
            bool hub = a == 0 || b == 0;
            if (a != b && (topology == Topology::mesh || (topology == Topology::ring ? next : hub)))
                edges.emplace_back(a, b);
        }
    return edges;
}

replication::Endpoint endpoint(const std::string &runner, const std::string &node) {
    replication::Endpoint endpoint;
    if (runner == node) {
        endpoint.database = kDatabase;
        return endpoint;
    }
    endpoint.destination.host = node;
    endpoint.destination.port = 80;
    endpoint.path = "/db";
    endpoint.user = kUser;
    endpoint.password = kPassword;
    return endpoint;
}

replication::Tuning draw_tuning(Dice &dice) {
    replication::Tuning tuning;
    tuning.worker_processes = dice.between(1, 4);
    tuning.worker_batch_size = dice.between(1, 20);
    tuning.http_connections = dice.between(1, 8);
    tuning.connection_timeout = dice.between(Millis(15'000), Millis(40'000));
    tuning.retries_per_request = dice.between(0, 5);
    tuning.use_checkpoints = dice.percent(95);
    tuning.use_bulk_get = dice.percent(75);
    tuning.checkpoint_interval = dice.between(Millis(500), Millis(15'000));
    tuning.checkpoint_documents = dice.percent(50) ? dice.between(1, 20) : 0;
    return tuning;
}

PlannedJob draw_job(Dice &dice, const std::vector<std::string> &nodes, std::size_t source,
                    std::size_t target) {
    PlannedJob planned;
    planned.source = source;
    planned.target = target;
    // Most are pulled or pushed; some are run by whoever.
    auto who = dice.below(5);
    planned.runner = who < 2 ? target : who < 4 ? source : static_cast<std::size_t>(dice.below(nodes.size()));
    auto &replication = planned.job.replication;
    replication = between(nodes[planned.runner], nodes[source], nodes[target]);
    replication.continuous = dice.percent(60);
    replication.tuning = draw_tuning(dice);
    if (replication.continuous || dice.percent(50)) {
        replication.document_database = "_replicator";
        replication.document_id = fmt::format("{}-{}", source, target);
    }
    planned.job.pause = dice.between(Millis(500), Millis(10'000));
    return planned;
}

replication::SchedulerOptions draw_scheduler(Dice &dice) {
    replication::SchedulerOptions options;
    options.startup_jitter_max = Millis(1'000);
    options.back_off_first = dice.between(Millis(500), Millis(10'000));
    options.back_off_max = Millis(30'000);
    if (dice.percent(20)) {
        // Turns: more jobs than may run.
        options.max_jobs = 1;
        options.interval = dice.between(Millis(2'000), Millis(10'000));
    }
    return options;
}

NetworkFaults draw_network(Dice &dice) {
    if (dice.percent(15))
        return {};
    NetworkFaults faults;
    for (auto *rate : {&faults.refused, &faults.answered, &faults.cut_request, &faults.lost_answer,
                       &faults.cut_response, &faults.slow})
        *rate = dice.percent(60) ? dice.below(60) : 0;
    faults.silent = dice.percent(30) ? dice.below(10) : 0;
    return faults;
}

} // namespace

replication::Replication between(const std::string &runner, const std::string &source,
                                 const std::string &target) {
    replication::Replication replication;
    replication.source = endpoint(runner, source);
    replication.target = endpoint(runner, target);
    replication.principal = admin();
    return replication;
}

Plan draw_plan(std::uint64_t seed, DiskBugs bugs) {
    Dice dice(seed);
    Plan plan;
    plan.seed = seed;
    plan.bugs = bugs;
    auto count = static_cast<std::size_t>(dice.between(2, 4));
    for (std::size_t i = 0; i < count; ++i)
        plan.nodes.push_back(fmt::format("node-{}", i));
    auto topology = dice.pick(std::vector{Topology::ring, Topology::star, Topology::mesh});
    for (auto [source, target] : edges_of(topology, count))
        plan.jobs.push_back(draw_job(dice, plan.nodes, source, target));
    plan.server.scheduler = draw_scheduler(dice);
    plan.clients = static_cast<std::size_t>(dice.between(1, 3));
    plan.workload.nodes = plan.nodes;
    plan.workload.documents = static_cast<std::size_t>(dice.between(3, 20));
    plan.workload.pause_max = dice.between(Millis(100), Millis(1'500));
    plan.trouble_for = dice.between(Millis(5'000), Millis(30'000));
    plan.network = draw_network(dice);
    plan.trouble_every_max = dice.percent(15) ? Millis(0) : dice.between(Millis(1'000), Millis(8'000));
    return plan;
}

} // namespace divan::simulation
