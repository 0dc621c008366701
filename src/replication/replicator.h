#pragma once

// The replicator of a server: `_replicate`, the documents of `_replicator` databases, and what is told of
// both.
//
// Threads: any, but where it says otherwise; the coroutines go on on `home`.

#include "replication/document_jobs.h"
#include "replication/scheduler.h"

#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace divan::db {
class Store;
}

namespace divan::replication {

// A document of a `_replicator` database.
struct DocumentView {
    std::string database;
    std::string doc_id;
    // "initializing", "error" (the filter cannot be read; tried again), "pending", "running", "crashing",
    // "completed", "failed"; empty: it is not known yet.
    std::string state;
    bool ended = false; // completed or failed: what is told is what the document says
    std::string id;     // of the replication; empty: null
    std::string source, target, source_proxy, target_proxy; // without credentials; empty: null
    std::uint64_t error_count = 0;
    json::Value info;                     // null or an object
    std::string start_time, last_updated; // RFC 3339; empty: null
    std::string owner;
};

// What `_scheduler` tells of a job besides: its progress, what it waits for, and warnings; null before its
// first session.
[[nodiscard]] json::Value job_info(const JobView &job, const Clock &clock);

class Replicator {
  public:
    // All outlive it. `runner` and `identifier` empty: replicate() and identify() (replicate.h).
    Replicator(Context &context, db::Store &store, SchedulerOptions options, Scheduler::Runner runner = {},
               DocumentJobs::Identifier identifier = {});
    ~Replicator(); // stops

    // Looks for `_replicator` databases and works on their documents from now on.
    void start();
    // Stops all jobs; blocks until they have ended. The loop must still run, and this not be its thread.
    // Idempotent.
    void stop();
    // The same on the loop.
    Task<void> shut_down();

    struct Answer {
        int status = 200;
        std::string body;
    };
    // The answer of a POST /_replicate on its way.
    class Request {
      public:
        // Notified when there is an answer.
        [[nodiscard]] const std::shared_ptr<Event> &event() const { return event_; }
        // Nothing: there is none yet. Errors: as the route answers.
        [[nodiscard]] std::optional<Result<Answer>> take();

      private:
        friend class Replicator;
        void finish(Result<Answer> answer);
        const std::shared_ptr<Event> event_ = std::make_shared<Event>();
        std::mutex mutex_;
        std::optional<Result<Answer>> answer_;
    };
    // Begins, joins or cancels a replication. Of a one-shot replication the answer comes with its end; who
    // does not wait for it any more just lets the request go: the replication goes on, as in CouchDB.
    [[nodiscard]] std::shared_ptr<Request> replicate(json::Object body, access::Principal principal);

    Task<std::vector<JobView>> jobs(Executor &home);
    Task<std::optional<JobView>> job(std::string id, Executor &home); // a space counts as '+'
    // Documents of one `_replicator` database by id, those that ended included. Errors: not_found.
    Task<Result<std::vector<DocumentView>>> documents(std::string database, Executor &home);
    // One of them. Errors: not_found.
    Task<Result<DocumentView>> document(std::string database, std::string id, Executor &home);
    void set_options(SchedulerOptions options);
    Task<Scheduler::Counts> counts(Executor &home);

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

} // namespace divan::replication
