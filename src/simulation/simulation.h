#pragma once

// Some nodes, clients and replications on one thread with a time of its own: what happens, and when, depends
// on the plan alone.
//
//   trouble   clients write; the network and the disks fail, nodes crash and come back
//   settling  nothing fails any more; until all nodes are equal
//   quiet     nothing more may change
//
// Used on one thread; several simulations may run beside each other.

#include "base/manual_loop.h"
#include "simulation/checks.h"
#include "simulation/plan.h"

#include <memory>
#include <vector>

namespace divan::simulation {

struct Outcome {
    Problems problems;
    std::uint64_t trace = 0;      // equal for equal runs
    std::size_t acknowledged = 0; // writes
    std::size_t unknown = 0;
    std::size_t refused = 0;
    std::uint64_t crashes = 0;
    Millis lasted{0}; // virtual
};

class Simulation {
  public:
    Simulation(NoFunctions &functions, Plan plan);
    ~Simulation();
    Simulation(const Simulation &) = delete;
    Simulation &operator=(const Simulation &) = delete;

    // All of it. Ends with the first phase that finds a problem.
    Outcome run();

  private:
    struct Person; // somebody at a client's host

    void run_trouble();
    void settle();
    void watch_quiet();
    void check_end();
    void end();
    Task<void> stop_all();

    Task<void> make_trouble();
    Task<void> trouble_node(std::size_t node);
    Task<void> trouble_network();
    Task<void> restart(SimulatedServer &node, bool cut_power);
    void start(SimulatedServer &node);
    void tell(const std::string &what) const;
    // Looks at what must be true at any time.
    void inspect();
    [[nodiscard]] bool all_running() const;
    // Where a sync has failed nothing is written any more: its operator starts it anew.
    void restart_failed();
    // Whether all nodes run and have the same leaves; `text` gets them.
    [[nodiscard]] bool equal(std::string &text);
    // Lets time pass until `done` or the limit. false: the limit.
    template <typename Done> bool pass_until(Millis step, Millis limit, Done done);
    [[nodiscard]] std::vector<Replica> replicas();

    NoFunctions &functions_;
    const Plan plan_;
    Dice dice_;
    mutable ManualLoop loop_;
    const std::chrono::microseconds began_ = loop_.clock().now();
    SimulatedNetwork network_;
    std::vector<std::unique_ptr<SimulatedServer>> nodes_;
    History history_;
    std::vector<std::unique_ptr<Person>> clients_;
    std::vector<std::unique_ptr<Person>> followers_;
    TaskGroup tasks_;      // of clients and followers
    TaskGroup troubles_;   // that end by themselves
    bool troubled_ = true; // more may come
    Outcome outcome_;
};

} // namespace divan::simulation
