#pragma once

// The replicator of a server: `_replicate`, the documents of `_replicator` databases, and what is told of
// both.
//
// Threads: any; the coroutines go on on `home`.

#include "replication/scheduler.h"

#include <memory>
#include <string>
#include <vector>

namespace divan::db {
class Store;
}

namespace divan::replication {

// States of documents; of jobs besides: initializing, error (the filter cannot be read, tried again).
struct DocumentView {
    std::string database;
    std::string doc_id;
    std::string state; // "initializing", "error", "pending", "running", "crashing", "completed", "failed"
    std::string id;    // of the replication; empty: null
    std::string source, target, source_proxy, target_proxy; // without credentials
    std::uint64_t error_count = 0;
    json::Value info;                     // null or an object
    std::string start_time, last_updated; // RFC 3339
    std::string owner;
};

class Replicator {
  public:
    Replicator(Context &context, db::Store &store, SchedulerOptions options, Scheduler::Runner runner);
    ~Replicator(); // stops

    // Looks for `_replicator` databases and works on their documents from now on.
    void start();
    // Stops all jobs; blocks until they have ended. Idempotent.
    void stop();

    // POST /_replicate.
    struct Answer {
        int status = 200;
        std::string body;
    };
    // Waits for the end of a one-shot replication. `gone`: who asked went away; the replication goes on (as
    // in CouchDB), but is not waited for. Errors: as the route answers.
    Task<Result<Answer>> replicate(const json::Object &body, const access::Principal &principal,
                                   Executor &home);

    Task<std::vector<JobView>> jobs(Executor &home);
    Task<std::optional<JobView>> job(std::string id, Executor &home);
    // Documents of one `_replicator` database by id, those that ended included. Errors: not_found.
    Task<Result<std::vector<DocumentView>>> documents(std::string database, Executor &home);
    void set_options(const SchedulerOptions &options);
    Task<Scheduler::Counts> counts(Executor &home);

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

} // namespace divan::replication
