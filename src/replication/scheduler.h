#pragma once

// All jobs of the server: which of them run, when the others get their turn, and what became of them.
//
// A job runs session after session (replicate.h). At most max_jobs run at once; when more wait, continuous
// ones that ran longest make room, max_churn of them each interval, and those that waited longest follow;
// jobs of different `_replicator` databases get turns by their shares (share.h). A job whose session failed
// waits: 30 s after the first failure, doubling with each one in a row, up to some hours. A job of
// `_replicate` ends with its first failure: somebody waits for it, or will ask again.
//
// Without waiting jobs nothing is armed: a thousand idle jobs cost their memory.
//
// Used on the replication loop only, but where it says otherwise.

#include "replication/replicate.h"
#include "replication/share.h"

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace divan::replication {

struct SchedulerOptions {
    std::size_t max_jobs = 500;
    Millis interval{60'000};
    std::size_t max_churn = 20;
    // Jobs of documents start so much later, at random; less while few run.
    Millis startup_jitter_max{5'000};
    std::size_t history_events_max = 20; // [replicator] max_history: caps the back-off, too
    Millis back_off_first{30'000};
    double back_off_factor = 2;
    Millis back_off_max{8 * 3'600'000};
    std::uint64_t failures_max = 0; // in a row; then a job of a document fails for good. 0 = never
    Millis healthy_after{120'000};  // of running: failures before count no more
    double usage_kept = 0.5;        // share.h
    std::map<std::string, std::uint64_t> shares;
};
// From [replicator] and [replicator.shares].
[[nodiscard]] SchedulerOptions scheduler_options(const config::Config &config);
// How long to wait after so many failures in a row, one at least.
[[nodiscard]] Millis back_off(const SchedulerOptions &options, std::uint64_t failures);

enum class JobState : std::uint8_t { pending, running, crashing };
[[nodiscard]] std::string_view job_state_name(JobState state);

struct JobEvent {
    enum class Type : std::uint8_t { added, started, stopped, crashed };
    Type type = Type::added;
    std::chrono::microseconds at{};
    std::string reason; // of crashed
};

[[nodiscard]] std::string_view job_event_name(JobEvent::Type type);

// A copy of how a job stands.
struct JobView {
    ReplicationId id;
    Replication replication;
    JobState state = JobState::pending;
    std::vector<JobEvent> history; // newest first
    Progress progress;
    std::uint64_t failures = 0;                // in a row
    std::chrono::microseconds started_on{};    // of the job
    std::chrono::microseconds running_since{}; // of its session; 0: it does not run
    std::chrono::microseconds next_start{};    // while it backs off
    std::string pid;                           // a made-up "<0.N.0>": clients show it
};

// How a job ended for good: completed, failed, or removed (cancelled), as all are at the stop.
using JobEnd = std::variant<SessionResult, Failure>;

class Scheduler {
  public:
    // How a session is run: replicate(), in tests something else.
    using Runner = std::function<Task<SessionEnd>(const Replication &, const ReplicationId &, Progress &,
                                                  Cancellation &)>;
    // `shares` of a `_replicator` database: [replicator.shares].
    Scheduler(Context &context, SchedulerOptions options, Runner runner);
    ~Scheduler(); // REQUIRES: stopped

    // Told once, on the loop and not inside a call, how a job ended for good, and how it stood then.
    using Ended = std::function<void(const JobEnd &, const JobView &)>;
    // Adds a job; it starts at once if there is room, and when the session of a job of this id that was
    // removed has ended. `ended` may be empty. Errors: file_exists if a job has this id; service_unavailable
    // once it stops.
    Result<void> add(ReplicationId id, Replication replication, Ended ended);
    // Tells somebody else, too. False: there is no such job.
    bool on_end(std::string_view id, Ended ended);
    // Stops and forgets a job; false: there is none. Its session ends in the background.
    bool remove(std::string_view id);
    [[nodiscard]] std::optional<JobView> job(std::string_view id) const; // a space counts as '+'
    [[nodiscard]] std::vector<JobView> jobs() const;                     // by id
    void set_options(const SchedulerOptions &options);

    struct Counts {
        std::size_t total = 0, running = 0, pending = 0, crashed = 0;
        std::uint64_t changes_pending = 0; // of all jobs, as far as their sources tell
        std::chrono::seconds behind{};     // of the job that is furthest behind
    };
    [[nodiscard]] Counts counts() const;

    // Stops all sessions and waits for them.
    Task<void> stop();

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

} // namespace divan::replication
