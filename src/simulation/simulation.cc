#include "simulation/simulation.h"

#include <algorithm>
#include <fmt/format.h>

namespace divan::simulation {
namespace {

constexpr Millis kInspectEvery{2'000};
constexpr Millis kSettleMax{45 * 60'000};
// What was sent while the network failed may come as late: it is repeated when nothing was heard for a while.
constexpr Millis kLate{60'000};
constexpr Millis kQuiet{60'000};

} // namespace

struct Simulation::Person {
    Person(ManualLoop &loop, SimulatedNetwork &network, const std::string &host)
        : asker(loop, network, host) {}
    Asker asker;
    std::optional<WorkloadClient> client;
    std::optional<Follower> follower;
};

Simulation::Simulation(NoFunctions &functions, Plan plan)
    : functions_(functions), plan_(std::move(plan)), dice_(plan_.seed ^ 0x5eed),
      network_(loop_, dice_.fork()), tasks_(loop_), troubles_(loop_) {
    if (plan_.tell)
        network_.on_request([this](const std::string &request) { tell(request); });
    for (const auto &name : plan_.nodes)
        nodes_.push_back(std::make_unique<SimulatedServer>(loop_, network_, functions_, name, dice_.fork(),
                                                           plan_.bugs, plan_.server));
    for (const auto &planned : plan_.jobs)
        nodes_[planned.runner]->add(planned.job);
    for (std::size_t i = 0; i < plan_.clients; ++i) {
        auto &person =
            clients_.emplace_back(std::make_unique<Person>(loop_, network_, fmt::format("client-{}", i)));
        person->client.emplace(person->asker, dice_.fork(), history_, plan_.workload);
    }
    for (const auto &name : plan_.nodes) {
        auto &person =
            followers_.emplace_back(std::make_unique<Person>(loop_, network_, "follower of " + name));
        person->follower.emplace(person->asker, dice_.fork(), name);
    }
}

Simulation::~Simulation() = default;

template <typename Done> bool Simulation::pass_until(Millis step, Millis limit, Done done) {
    for (auto end = loop_.clock().now() + limit; loop_.clock().now() < end;) {
        loop_.advance(step);
        if (!outcome_.problems.empty() || done())
            return true;
    }
    return false;
}

bool Simulation::all_running() const {
    return std::all_of(nodes_.begin(), nodes_.end(), [](const auto &node) { return node->running(); });
}

std::vector<Replica> Simulation::replicas() {
    std::vector<Replica> replicas;
    for (const auto &node : nodes_)
        replicas.push_back({node->name(), node->database()});
    return replicas;
}

void Simulation::tell(const std::string &what) const {
    if (!plan_.tell)
        return;
    auto passed = std::chrono::duration_cast<Millis>(loop_.clock().now() - began_);
    plan_.tell(fmt::format("{:.3f} {}", static_cast<double>(passed.count()) / 1'000, what));
}

// ---- trouble

void Simulation::start(SimulatedServer &node) {
    tell(node.name() + " starts");
    node.start();
    node.disk().read_honestly(true);
    check_durable({node.name(), node.database()}, history_, outcome_.problems);
    node.disk().read_honestly(false);
}

Task<void> Simulation::restart(SimulatedServer &node, bool cut_power) {
    if (!node.running())
        co_return;
    tell(node.name() + (cut_power ? " loses power" : " stops"));
    Cancellation never;
    if (cut_power) {
        ++outcome_.crashes;
        co_await node.crash();
    } else {
        co_await node.stop();
    }
    ignore_error(co_await pause_for(loop_, dice_.between(Millis(0), Millis(5'000)), never), "not cancelled");
    start(node);
}

Task<void> Simulation::trouble_node(std::size_t index) {
    auto &node = *nodes_[index];
    if (dice_.percent(25)) {
        // Its operator sees that it writes nothing any more.
        tell(node.name() + " will fail its next sync");
        node.disk().fail_next_sync();
        Cancellation never;
        ignore_error(co_await pause_for(loop_, dice_.between(Millis(0), Millis(5'000)), never), "as above");
    }
    bool cut_power = dice_.percent(75);
    co_await restart(node, cut_power);
}

Task<void> Simulation::trouble_network() {
    auto a = dice_.pick(plan_.nodes);
    auto b = dice_.pick(plan_.nodes);
    tell(a + " and " + b + " do not reach each other");
    network_.part(a, b);
    Cancellation never;
    ignore_error(co_await pause_for(loop_, dice_.between(Millis(100), Millis(15'000)), never), "as above");
    network_.join(a, b);
    tell(a + " and " + b + " reach each other again");
}

Task<void> Simulation::make_trouble() {
    Cancellation never;
    while (troubled_) {
        auto pause = dice_.between(Millis(50), plan_.trouble_every_max);
        ignore_error(co_await pause_for(loop_, pause, never), "as above");
        if (!troubled_)
            break;
        if (dice_.percent(60))
            troubles_.start(trouble_node(static_cast<std::size_t>(dice_.below(nodes_.size()))));
        else
            troubles_.start(trouble_network());
    }
}

void Simulation::inspect() {
    for (const auto &node : nodes_)
        node->disk().read_honestly(true);
    for (const auto &planned : plan_.jobs) {
        auto &source = *nodes_[planned.source];
        auto &target = *nodes_[planned.target];
        if (!source.running() || !target.running())
            continue;
        auto log_id = "_local/" + nodes_[planned.runner]->id_of(planned.job).base;
        check_checkpoint({source.name(), source.database()}, {target.name(), target.database()}, log_id,
                         outcome_.problems);
    }
    for (const auto &node : nodes_)
        node->disk().read_honestly(false);
}

void Simulation::run_trouble() {
    for (const auto &node : nodes_)
        start(*node);
    network_.set_faults(plan_.network);
    for (const auto &person : clients_)
        tasks_.start(person->client->run());
    for (const auto &person : followers_)
        tasks_.start(person->follower->run());
    if (plan_.trouble_every_max > Millis(0))
        troubles_.start(make_trouble());
    pass_until(kInspectEvery, plan_.trouble_for, [this] {
        inspect();
        return false;
    });
    for (const auto &person : clients_)
        person->asker.stop();
    troubled_ = false;
}

// ---- afterwards

void Simulation::restart_failed() {
    for (const auto &node : nodes_)
        if (node->disk().failed())
            troubles_.start(restart(*node, false));
}

bool Simulation::equal(std::string &text) {
    if (!all_running())
        return false;
    text.clear();
    for (const auto &node : nodes_) {
        node->disk().read_honestly(true);
        auto leaves = leaves_text(node->database());
        node->disk().read_honestly(false);
        if (leaves.empty() || (!text.empty() && leaves != text))
            return false;
        text = std::move(leaves);
    }
    return true;
}

void Simulation::settle() {
    network_.set_faults({});
    pass_until(kInspectEvery, kLate, [this] {
        inspect();
        return false;
    });
    constexpr Millis kStep{5'000};
    std::string before;
    std::string now;
    bool settled = pass_until(kStep, kSettleMax, [&] {
        inspect();
        restart_failed();
        if (!equal(now))
            return false;
        return now == std::exchange(before, now);
    });
    if (settled)
        return;
    outcome_.problems.emplace_back("the nodes do not become equal");
    if (!all_running())
        return;
    for (const auto &node : nodes_)
        outcome_.problems.back().append(node->jobs_text());
    check_equal(replicas(), outcome_.problems);
}

void Simulation::watch_quiet() {
    std::vector<kv::Sequence> before;
    for (const auto &node : nodes_)
        before.push_back(node->database().last_sequence().value());
    for (const auto &person : followers_)
        person->follower->finish();
    loop_.advance(kQuiet);
    for (std::size_t i = 0; i < nodes_.size(); ++i)
        if (nodes_[i]->database().last_sequence().value() != before[i])
            outcome_.problems.push_back(nodes_[i]->name() + " goes on changing");
}

void Simulation::check_end() {
    for (const auto &node : nodes_)
        node->disk().read_honestly(true);
    auto all = replicas();
    check_equal(all, outcome_.problems);
    for (std::size_t i = 0; i < all.size(); ++i) {
        check_history(all[i], history_, outcome_.problems);
        check_follower(all[i], *followers_[i]->follower, outcome_.problems);
    }
}

Task<void> Simulation::stop_all() {
    co_await troubles_.join();
    for (const auto &node : nodes_)
        if (node->running())
            co_await node->stop();
    co_await tasks_.join();
}

// Ends everything, so that nothing of the simulation is left on the loop.
void Simulation::end() {
    troubled_ = false;
    for (auto *persons : {&clients_, &followers_})
        for (const auto &person : *persons)
            person->asker.stop();
    bool ended = false;
    spawn(stop_all(), [&ended] { ended = true; });
    constexpr Millis kStep{1'000};
    constexpr int kStepsMax = 3'600;
    for (int i = 0; i < kStepsMax && !ended; ++i)
        loop_.advance(kStep);
    DIVAN_CHECK(ended);
}

Outcome Simulation::run() {
    run_trouble();
    if (outcome_.problems.empty())
        settle();
    if (outcome_.problems.empty())
        watch_quiet();
    if (outcome_.problems.empty())
        check_end();
    outcome_.lasted = std::chrono::duration_cast<Millis>(loop_.clock().now() - began_);
    end();
    outcome_.trace = network_.trace();
    outcome_.acknowledged = history_.count(Write::Outcome::acknowledged);
    outcome_.unknown = history_.count(Write::Outcome::unknown);
    outcome_.refused = history_.count(Write::Outcome::refused);
    return std::move(outcome_);
}

} // namespace divan::simulation
