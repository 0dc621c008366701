#include "replication/scheduler.h"

#include "replication/scheduler_impl.h"
#include "telemetry/log.h"
#include "telemetry/metrics.h"

#include <algorithm>
#include <fmt/format.h>

namespace divan::replication {

using telemetry::Metric;
using Phase = Job::Phase;

namespace {

std::string group_of(const Replication &replication) {
    return replication.document_database.empty() ? "_replicate of " + replication.principal.name
                                                 : replication.document_database;
}

} // namespace

// ---- Scheduler::Impl

void Scheduler::Impl::finish(const JobPointer &job, const JobEnd &end) {
    jobs.erase(job->text);
    context.metrics.count(Metric::replicator_jobs_removes);
    const auto *failure = std::get_if<Failure>(&end);
    report(*job, failure == nullptr ? "completed" : "failed",
           failure == nullptr ? std::string_view() : failure->error.reason());
    tell(job, end);
}

void Scheduler::Impl::tell(const JobPointer &job, const JobEnd &end) {
    if (job->ended.empty())
        return;
    context.loop.post([told = std::exchange(job->ended, {}), end, seen = view(*job)] {
        for (const auto &ended : told)
            if (ended)
                ended(end, seen);
    });
}

void Scheduler::Impl::unblock(const std::string &text) {
    if (auto at = ending.find(text); at != ending.end())
        ending.erase(at);
    if (ending.contains(text))
        return;
    if (auto found = blocked.find(text); found != blocked.end()) {
        auto job = found->second;
        blocked.erase(found);
        make_pending(job);
    }
}

Result<void> Scheduler::Impl::add(ReplicationId id, Replication replication, Ended ended) {
    if (stopping)
        return ErrorCode::service_unavailable;
    auto text = id.text();
    if (jobs.contains(text)) {
        context.metrics.count(Metric::replicator_jobs_duplicate_adds);
        return Error(ErrorCode::file_exists, fmt::format("Replication `{}` exists already.", text));
    }
    auto job = std::make_shared<Job>();
    job->id = std::move(id);
    job->text = text;
    job->replication = std::move(replication);
    job->group = group_of(job->replication);
    job->number = ++jobs_made;
    job->started_on = now();
    job->ended.push_back(std::move(ended));
    note(*job, JobEvent::Type::added);
    for (const auto &warning : warnings(job->replication))
        context.log.warning(fmt::format("replication {}: {}", text, warning));
    jobs.emplace(text, job);
    context.metrics.count(Metric::replicator_jobs_adds);
    if (ending.contains(text)) {
        job->phase = Phase::blocked;
        blocked.emplace(text, job);
    } else {
        make_pending(job);
    }
    schedule();
    return {};
}

bool Scheduler::Impl::remove(const std::string &text) {
    auto found = jobs.find(text);
    if (found == jobs.end())
        return false;
    auto job = found->second;
    jobs.erase(found);
    context.metrics.count(Metric::replicator_jobs_removes);
    report(*job, "cancelled");
    switch (job->phase) {
    case Phase::blocked:
        blocked.erase(text);
        break;
    case Phase::pending:
        pending.erase(*job);
        break;
    case Phase::backing_off:
        backing_off.erase(job->key);
        break;
    case Phase::running:
        leave_running(*job);
        [[fallthrough]];
    case Phase::stopping:
        job->phase = Phase::gone;
        ending.insert(text);
        job->cancellation->cancel();
        break;
    case Phase::gone:
        break;
    }
    tell(job, Failure{Error(ErrorCode::cancelled)});
    schedule();
    return true;
}

Task<void> Scheduler::Impl::stop() {
    stopping = true;
    timer.reset();
    armed_for.reset();
    auto cancel = [](const JobPointer &job) { job->cancellation->cancel(); };
    continuous.each(cancel);
    one_shots.each(cancel);
    co_await sessions.join();
    for (const auto &[text, job] : jobs)
        tell(job, Failure{Error(ErrorCode::cancelled)});
    jobs.clear();
    blocked.clear();
    pending = {};
    backing_off.clear();
}

// ---- Scheduler

Scheduler::Scheduler(Context &context, SchedulerOptions options, Runner runner)
    : impl_(std::make_unique<Impl>(context, std::move(options), std::move(runner))) {}

Scheduler::~Scheduler() {
    DIVAN_CHECK(impl_->session_count == 0);
}

Result<void> Scheduler::add(ReplicationId id, Replication replication, Ended ended) {
    return impl_->add(std::move(id), std::move(replication), std::move(ended));
}

bool Scheduler::on_end(std::string_view id, Ended ended) {
    auto found = impl_->jobs.find(std::string(id));
    if (found == impl_->jobs.end())
        return false;
    found->second->ended.push_back(std::move(ended));
    return true;
}

bool Scheduler::remove(std::string_view id) {
    return impl_->remove(std::string(id));
}

std::optional<JobView> Scheduler::job(std::string_view id) const {
    std::string text(id);
    std::replace(text.begin(), text.end(), ' ', '+');
    auto found = impl_->jobs.find(text);
    return found == impl_->jobs.end() ? std::nullopt : std::optional(impl_->view(*found->second));
}

std::vector<JobView> Scheduler::jobs() const {
    std::vector<JobView> views;
    views.reserve(impl_->jobs.size());
    for (const auto &[id, job] : impl_->jobs)
        views.push_back(impl_->view(*job));
    return views;
}

void Scheduler::set_options(const SchedulerOptions &options) {
    impl_->use(options);
    impl_->schedule();
}

Scheduler::Counts Scheduler::counts() const {
    Counts counts{.total = impl_->jobs.size(),
                  .running = impl_->session_count,
                  .pending = impl_->pending.size() + impl_->blocked.size(),
                  .crashed = impl_->backing_off.size()};
    for (const auto &[id, job] : impl_->jobs) {
        counts.changes_pending += job->progress.changes_pending.value_or(0);
        auto behind = time_behind(job->progress, impl_->context.clock);
        counts.behind = std::max(counts.behind, behind.value_or(std::chrono::seconds(0)));
    }
    return counts;
}

Task<void> Scheduler::stop() {
    return impl_->stop();
}

} // namespace divan::replication
