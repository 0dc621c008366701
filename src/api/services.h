#pragma once

// What the composition root gives to the routes.

#include "base/clock.h"
#include "base/executor.h"
#include "base/random.h"

#include <functional>
#include <string>
#include <vector>

namespace divan::access {
class Admins;
class Authenticator;
class Gate;
class OidcClient;
class SamlClient;
} // namespace divan::access
namespace divan::anomaly {
class Watch;
}
namespace divan::audit {
class Log;
}
namespace divan::config {
class Config;
}
namespace divan::db {
class Store;
}
namespace divan::design {
class DesignDocuments;
}
namespace divan::kv {
class Engine;
}
namespace divan::replication {
class Replicator;
}
namespace divan::script {
class Pool;
}
namespace divan::telemetry {
class Logger;
class Registry;
} // namespace divan::telemetry
namespace divan::views {
class Views;
}

namespace divan::api {

class Router;

// What the server is linked with, for `_versions`.
struct Library {
    std::string purpose; // "storage_engine"
    std::string name;
    std::string version;
};

// All outlive the routes; all are thread-safe.
struct Services {
    access::Gate &gate;
    access::Authenticator &authenticator;
    access::Admins &admins;
    config::Config &config;
    design::DesignDocuments &designs;
    telemetry::Registry &metrics;
    telemetry::Logger &log;
    Executor &engine_pool;
    // For calls that wait for functions of design documents.
    Executor &view_pool;
    script::Pool &scripts;
    views::Views &views;
    replication::Replicator *replicator = nullptr; // null: replications are refused
    access::OidcClient *oidc = nullptr;            // null: nobody logs in at an OpenID provider
    access::SamlClient *saml = nullptr;            // null: nobody logs in at a SAML provider
    audit::Log *audit = nullptr;                   // null: nothing is recorded
    anomaly::Watch *anomaly = nullptr;             // null: nothing is watched
    Clock &clock;
    Random &random;
    std::string node_name; // "divan@127.0.0.1"
    std::string server_uuid;
    std::chrono::nanoseconds started_at{}; // monotonic
    // Where large request bodies wait in files without names; empty: in memory.
    std::string spool_directory;
    std::vector<Library> libraries;
    // What only the composition root can do.
    std::function<void()> restart;
};

} // namespace divan::api
