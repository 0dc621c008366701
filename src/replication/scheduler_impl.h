#pragma once

// The state of the scheduler; for its files only: scheduler.cc has the jobs, scheduler_turns.cc who runs
// when.

#include "replication/job.h"

#include <set>

namespace divan::replication {

struct Scheduler::Impl {
    Impl(Context &shared, SchedulerOptions given, Runner run)
        : context(shared), runner(std::move(run)), sessions(shared.loop) {
        use(std::move(given));
        interval_begin = context.loop.clock().monotonic();
    }

    void use(SchedulerOptions given) {
        options = std::move(given);
        shares.set_options({options.interval, options.usage_kept, options.shares});
    }

    [[nodiscard]] std::chrono::nanoseconds monotonic() const { return context.loop.clock().monotonic(); }
    [[nodiscard]] std::chrono::microseconds now() const { return context.loop.clock().now(); }

    void note(Job &job, JobEvent::Type type, std::string reason = {}) {
        report(job, job_event_name(type), reason);
        job.history.push_front({type, now(), std::move(reason)});
        while (job.history.size() > options.history_events_max)
            job.history.pop_back();
    }

    void report(const Job &job, std::string_view event, std::string_view reason = {}) const {
        if (context.on_job_event)
            context.on_job_event(job.replication, job.text, event, reason);
    }

    // ---- lines
    void make_pending(const JobPointer &job);
    void make_backing_off(const JobPointer &job);
    JobLines &running_line(const Job &job) { return job.replication.continuous ? continuous : one_shots; }
    // Charges what it ran. REQUIRES: it runs.
    void leave_running(Job &job);

    // ---- turns
    // Brings everything to where it should be now, and arms the timer for what is next.
    void schedule();
    void end_interval();
    // After max_jobs was lowered.
    void stop_excess();
    void make_room(const JobPointer &job);
    void arm();

    // ---- sessions
    Millis jitter(const Job &job);
    void start(const JobPointer &job);
    Task<void> run_session(JobPointer job, std::shared_ptr<Cancellation> cancellation, Millis wait);
    void session_ended(const JobPointer &job, const SessionEnd &end);
    void session_stopped(const JobPointer &job);
    void session_failed(const JobPointer &job, const Failure &failure, std::chrono::microseconds ran);

    // ---- jobs
    Result<void> add(ReplicationId id, Replication replication, Ended ended);
    bool remove(const std::string &text);
    void finish(const JobPointer &job, const JobEnd &end);
    void tell(const JobPointer &job, const JobEnd &end);
    // A job of this id waited for the end of a session.
    void unblock(const std::string &text);
    [[nodiscard]] JobView view(const Job &job) const { return view_of(job, now(), options.healthy_after); }
    Task<void> stop();

    Context &context;
    const Runner runner;
    SchedulerOptions options;
    Shares shares;
    std::map<std::string, JobPointer> jobs; // by id
    JobLines pending;
    JobLines continuous; // that run
    JobLines one_shots;  // that run
    std::map<Job::Key, JobPointer> backing_off;
    std::multiset<std::string> ending; // ids of sessions whose jobs were removed
    std::map<std::string, JobPointer> blocked;
    TaskGroup sessions;
    std::size_t session_count = 0;
    std::uint64_t sessions_made = 0;
    std::uint64_t jobs_made = 0;
    std::chrono::nanoseconds interval_begin{};
    std::unique_ptr<EventLoop::Timer> timer;
    std::optional<std::chrono::nanoseconds> armed_for;
    bool stopping = false;
};

} // namespace divan::replication
