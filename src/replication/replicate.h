#pragma once

// Runs a replication once: opens its ends, finds where the last run came to, copies what is missing, and
// writes checkpoints. What to do when it fails is for the caller to decide (scheduler.h).

#include "base/random.h"
#include "replication/replication.h"
#include "replication/statistics.h"

#include <functional>
#include <memory>
#include <variant>

namespace divan::access {
class Authenticator;
class Gate;
} // namespace divan::access
namespace divan::design {
class DesignDocuments;
}
namespace divan::script {
class Pool;
}
namespace divan::telemetry {
class Logger;
class Registry;
} // namespace divan::telemetry

namespace divan::replication {

class Throttle;
struct Refusal;

// What replications are made of. All outlive them; `gate`, `designs` and `scripts` may be null where no end
// is local.
struct Context {
    EventLoop &loop;
    Executor &pool; // for calls of the engine
    net::HttpClient &http;
    Throttle &throttle;
    Clock &clock;
    Random &random;
    const config::Config &config;
    telemetry::Logger &log;
    telemetry::Registry &metrics;
    access::Gate *gate = nullptr;
    access::Authenticator *authenticator = nullptr; // null: rights stay as they were when a job began
    design::DesignDocuments *designs = nullptr;
    script::Pool *scripts = nullptr;
    std::string server_uuid;
    std::string server_url = {}; // "http://127.0.0.1:5984/": where local databases are
    // Told of each document that a target does not take, besides the log; on the loop. May be empty.
    std::function<void(const Replication &, const Refusal &)> on_refusal = {};
    // Told of what happens to jobs: "added", "started", "stopped", "crashed", "completed", "failed" or
    // "cancelled", with the reason of a failure; on the loop, must be short. May be empty.
    std::function<void(const Replication &, std::string_view id, std::string_view event,
                       std::string_view reason)>
        on_job_event = {};
    // Told of each local target that `create_target` has made; on the pool, may block. An error fails the
    // session. May be empty.
    std::function<Result<void>(const Replication &)> on_target_created = {};
};

struct Failure {
    Error error;
    Cause cause = Cause::none;
    Cause side = Cause::none; // source or target, where it showed
    std::string detail = {};  // what lies behind an error whose reason is CouchDB's; may be empty
    // For people who look for the cause.
    [[nodiscard]] std::string explained() const {
        return detail.empty() ? error.reason() : error.reason() + ": " + detail;
    }
};

// How a session ended well.
struct SessionResult {
    // What CouchDB answers besides `ok`: the newest checkpoint, with `no_changes` before it if nothing was to
    // be done; without checkpoints {"use_checkpoints":false}.
    json::Object checkpoint;
};
// The answer of `_replicate`.
[[nodiscard]] std::string session_result_json(const SessionResult &result);

using SessionEnd = std::variant<SessionResult, Failure>;

// The id; reads the filter function from the source, if there is one. Errors: not_found for a design document
// that is not there; as the source answers.
Task<Result<ReplicationId>> identify(Context &context, const Replication &replication,
                                     Cancellation &cancellation);

// One session, on the loop; continuous ones end with a failure only. `progress` shows it meanwhile, and goes
// on counting from what it holds. Cancelled: ErrorCode::cancelled, after a last checkpoint of what is
// written, unless that takes longer than a few seconds.
Task<SessionEnd> replicate(Context &context, const Replication &replication, const ReplicationId &id,
                           Progress &progress, Cancellation &cancellation);

} // namespace divan::replication
