#pragma once

// A node of a simulation: the server without sockets, threads and JavaScript, on the loop, with a disk that
// can lose power. Its replications are kept over restarts, as documents of `_replicator` are.
//
// Used on the loop's thread.

#include "access/principal.h"
#include "design/design_documents.h"
#include "replication/scheduler.h"
#include "script/pool.h"
#include "simulation/simulated_disk.h"
#include "simulation/simulated_network.h"
#include "telemetry/log.h"
#include "views/views.h"

#include <memory>
#include <string>
#include <vector>

namespace divan::db {
class Database;
}

namespace divan::simulation {

inline constexpr const char *kDatabase = "db"; // every node has it
inline constexpr const char *kUser = "admin";
inline constexpr const char *kPassword = "secret";
[[nodiscard]] access::Principal admin();

// What nodes need to be made and never use: functions of design documents and views. They have threads, which
// have nothing to do; so one is made for all simulations of a process.
class NoFunctions {
  public:
    NoFunctions();
    [[nodiscard]] script::Pool &scripts() { return scripts_; }
    [[nodiscard]] views::Views &views() { return *views_; }

  private:
    SystemClock clock_;
    telemetry::Logger log_{clock_, "none@127.0.0.1", "", telemetry::Level::none};
    design::DesignDocuments designs_;
    script::Pool scripts_;
    std::unique_ptr<views::Views> views_;
};

// A replication that a node runs.
struct Job {
    replication::Replication replication;
    Millis pause{10'000}; // of one-shot ones, until they begin anew
};

struct ServerOptions {
    replication::SchedulerOptions scheduler;
    telemetry::Level log_level = telemetry::Level::none;
};

class SimulatedServer {
  public:
    SimulatedServer(EventLoop &loop, SimulatedNetwork &network, NoFunctions &functions, std::string name,
                    Dice dice, DiskBugs bugs, ServerOptions options);
    ~SimulatedServer(); // REQUIRES: not running

    // Opens the disk and begins to serve and to replicate. REQUIRES: not running
    void start();
    // Ends as a process that is asked to.
    Task<void> stop();
    // Ends as a machine without power.
    Task<void> crash();
    // Serves; false also while it ends.
    [[nodiscard]] bool running() const;
    [[nodiscard]] const std::string &name() const { return name_; }
    [[nodiscard]] SimulatedDisk &disk() { return disk_; }

    // Adds a replication; it starts with the next start(). REQUIRES: not running
    void add(Job job) { jobs_.push_back(std::move(job)); }
    [[nodiscard]] const std::vector<Job> &jobs() const { return jobs_; }
    // How they stand, a line for each. REQUIRES: running()
    [[nodiscard]] std::string jobs_text() const;
    // Of the node's jobs, in whose name they are kept.
    [[nodiscard]] replication::ReplicationId id_of(const Job &job) const;

    // The database, for those who look at what is there. REQUIRES: running()
    [[nodiscard]] db::Database &database();

  private:
    struct Life;
    void keep_house();
    void begin(const Job &job);
    void begin_again(const Job &job);
    Task<void> end(bool cut_power);

    EventLoop &loop_;
    SimulatedNetwork &network_;
    NoFunctions &functions_;
    const std::string name_;
    Dice dice_;
    const ServerOptions options_;
    SimulatedDisk disk_;
    std::vector<Job> jobs_;
    std::unique_ptr<Life> life_;
};

} // namespace divan::simulation
