#pragma once

// What copies databases, joined: the loop that replications run on, their connections, their jobs, and what
// the audit log is told of them.

#include "base/clock.h"
#include "base/executor.h"
#include "base/random.h"

#include <memory>
#include <string>

namespace divan::access {
class Authenticator;
class Gate;
} // namespace divan::access
namespace divan::config {
class Config;
}
namespace divan::db {
class Store;
}
namespace divan::design {
class DesignDocuments;
}
namespace divan::net {
class HttpClient;
class SocketLoop;
} // namespace divan::net
namespace divan::replication {
struct Context;
class Replicator;
class Throttle;
} // namespace divan::replication
namespace divan::script {
class Pool;
}
namespace divan::telemetry {
class Logger;
class Registry;
} // namespace divan::telemetry

namespace divan::server {

class AuditTrail;

class Replications {
  public:
    struct Services {
        const config::Config &config;
        Clock &clock;
        Random &random;
        telemetry::Logger &log;
        telemetry::Registry &metrics;
        Executor &pool; // of the engine
        db::Store &store;
        access::Gate &gate;
        access::Authenticator &authenticator;
        design::DesignDocuments &designs;
        script::Pool &scripts;
        AuditTrail *audit; // null: nothing is recorded
    };
    // All outlive it.
    explicit Replications(const Services &services);
    // REQUIRES: stopped.
    ~Replications();

    // Works on jobs from now on. `server_url`: where local databases are.
    void start(std::string server_url);
    [[nodiscard]] replication::Replicator &replicator() { return *replicator_; }
    // The settings have changed.
    void apply_changes();
    // Blocks until all jobs have ended, while pool and store still work: their last checkpoints and notes
    // need them.
    void stop();

  private:
    const config::Config &config_;
    std::unique_ptr<net::SocketLoop> loop_;
    std::unique_ptr<net::HttpClient> http_;
    std::unique_ptr<replication::Throttle> throttle_;
    std::unique_ptr<replication::Context> context_;
    std::unique_ptr<replication::Replicator> replicator_;
};

} // namespace divan::server
