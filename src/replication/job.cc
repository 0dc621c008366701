#include "replication/job.h"

namespace divan::replication {

std::string_view job_state_name(JobState state) {
    switch (state) {
    case JobState::pending:
        return "pending";
    case JobState::running:
        return "running";
    case JobState::crashing:
        return "crashing";
    }
    return "";
}

std::string_view job_event_name(JobEvent::Type type) {
    switch (type) {
    case JobEvent::Type::added:
        return "added";
    case JobEvent::Type::started:
        return "started";
    case JobEvent::Type::stopped:
        return "stopped";
    case JobEvent::Type::crashed:
        return "crashed";
    }
    return "";
}

JobView view_of(const Job &job, std::chrono::microseconds now, Millis healthy_after) {
    JobView view;
    view.id = job.id;
    view.replication = job.replication;
    view.history.assign(job.history.begin(), job.history.end());
    view.progress = job.progress;
    view.started_on = job.started_on;
    view.running_since = job.running_since;
    view.next_start = job.next_start;
    view.pid = job.pid;
    bool runs = job.running_since.count() > 0;
    bool healthy = runs && now - job.running_since > healthy_after;
    view.failures = healthy ? 0 : job.failures;
    view.state = runs                                   ? JobState::running
                 : job.phase == Job::Phase::backing_off ? JobState::crashing
                                                        : JobState::pending;
    return view;
}

} // namespace divan::replication
