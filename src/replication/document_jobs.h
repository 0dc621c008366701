#pragma once

// The jobs that documents of `_replicator` databases ask for: from a document to its job in the scheduler,
// and from the end of the job to the note in its document.
//
//   document -> initializing -> (id, scheduler) -> pending, running, crashing -> completed, failed
//                    ^  |
//                    +- error: the filter cannot be read; tried again
//
// A document that says completed or failed is left alone until somebody takes that out of it. What the server
// itself notes in a document is no edit of it.
//
// Used on the loop of its context only.

#include "replication/document.h"
#include "replication/documents_follower.h"
#include "replication/scheduler.h"

namespace divan::replication {

class DocumentJobs {
  public:
    // identify(), in tests something else.
    using Identifier =
        std::function<Task<Result<ReplicationId>>(const Replication &, Cancellation &cancellation)>;
    // All outlive it.
    DocumentJobs(Context &context, db::Store &store, Scheduler &scheduler, Identifier identifier);
    ~DocumentJobs(); // REQUIRES: stopped

    void set_options(const SchedulerOptions &options);
    // From a follower.
    void document(const FollowedDocument &document);
    void database_removed(const std::string &database);
    // Waits for what is under way. Jobs stay with the scheduler.
    Task<void> stop();

    // A document whose job has not ended for good.
    struct Active {
        std::string id;         // of the replication; empty: not known
        bool scheduled = false; // look at the scheduler
        bool failing = false;   // state "error"
        std::string reason;     // why, or what happened
        std::uint64_t errors = 0;
        std::string owner;
        Replication replication;
        std::chrono::microseconds started_on{};
        std::chrono::microseconds updated_on{};
    };
    [[nodiscard]] std::optional<Active> active(const std::string &database, const std::string &id) const;

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

} // namespace divan::replication
