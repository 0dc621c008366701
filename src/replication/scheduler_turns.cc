#include "replication/scheduler_impl.h"
#include "telemetry/log.h"
#include "telemetry/metrics.h"

#include <algorithm>
#include <fmt/format.h>

namespace divan::replication {

using telemetry::Metric;
using Phase = Job::Phase;

namespace {

// Of jitter for each session that runs: one job starts at once, hundreds spread.
constexpr Millis kJitterPerSession{10};

Task<void> hop(EventLoop &loop) {
    co_await suspend<bool>([&loop](Resume<bool> resume) { loop.post([resume] { resume(true); }); });
}

bool was_cancelled(const SessionEnd &end) {
    const auto *failure = std::get_if<Failure>(&end);
    return failure != nullptr && failure->error.code() == ErrorCode::cancelled;
}

} // namespace

// ---- lines

void Scheduler::Impl::make_pending(const JobPointer &job) {
    job->phase = Phase::pending;
    job->key = {monotonic(), job->number};
    job->next_start = {};
    pending.insert(job);
}

void Scheduler::Impl::make_backing_off(const JobPointer &job) {
    auto wait = back_off(options, job->failures);
    job->phase = Phase::backing_off;
    job->key = {monotonic() + wait, job->number};
    job->next_start = now() + wait;
    backing_off.emplace(job->key, job);
}

void Scheduler::Impl::leave_running(Job &job) {
    running_line(job).erase(job);
    shares.job_stopped(job.group, monotonic() - job.charged_from);
}

// ---- turns

void Scheduler::Impl::schedule() {
    if (stopping)
        return;
    while (!backing_off.empty() && backing_off.begin()->first.first <= monotonic()) {
        auto job = backing_off.begin()->second;
        backing_off.erase(backing_off.begin());
        make_pending(job);
    }
    if (monotonic() >= interval_begin + options.interval)
        end_interval();
    stop_excess();
    while (session_count < options.max_jobs && !pending.empty())
        start(pending.first(shares, false));
    arm();
}

void Scheduler::Impl::end_interval() {
    auto charge = [&](const JobPointer &job) {
        shares.charge(job->group, monotonic() - job->charged_from);
        job->charged_from = monotonic();
    };
    continuous.each(charge);
    one_shots.each(charge);
    auto passed = static_cast<std::uint64_t>((monotonic() - interval_begin) /
                                             std::chrono::nanoseconds(options.interval));
    shares.decay(passed);
    interval_begin += options.interval * static_cast<std::int64_t>(passed);
    // Those that end already make room by themselves.
    auto free = options.max_jobs - std::min(options.max_jobs, continuous.size() + one_shots.size());
    auto want = pending.size() - std::min(pending.size(), free);
    for (auto churn = std::min(want, options.max_churn); churn > 0 && !continuous.empty(); --churn)
        make_room(continuous.first(shares, true));
}

// max_jobs was lowered. One-shot jobs go last: they start anew.
void Scheduler::Impl::stop_excess() {
    while (continuous.size() + one_shots.size() > options.max_jobs)
        make_room((continuous.empty() ? one_shots : continuous).first(shares, true));
}

void Scheduler::Impl::make_room(const JobPointer &job) {
    leave_running(*job);
    job->phase = Phase::stopping;
    job->cancellation->cancel();
}

void Scheduler::Impl::arm() {
    std::optional<std::chrono::nanoseconds> at;
    if (!backing_off.empty())
        at = backing_off.begin()->first.first;
    if (!pending.empty() && !continuous.empty()) {
        auto tick = interval_begin + std::chrono::nanoseconds(options.interval);
        at = at ? std::min(*at, tick) : tick;
    }
    if (at == armed_for)
        return;
    armed_for = at;
    timer.reset();
    if (!at)
        return;
    auto wait = std::chrono::ceil<Millis>(*at - monotonic());
    timer = context.loop.after(std::max(wait, Millis(0)), [this] {
        auto spent = std::move(timer);
        armed_for.reset();
        schedule();
    });
}

// ---- sessions

Millis Scheduler::Impl::jitter(const Job &job) {
    auto longest = std::min(options.startup_jitter_max, kJitterPerSession * static_cast<int>(session_count));
    if (!job.of_document() || longest.count() <= 0)
        return Millis(0);
    std::uint64_t number = 0;
    for (char byte : context.random.bytes(sizeof number))
        number = number << 8 | static_cast<unsigned char>(byte);
    return Millis(static_cast<Millis::rep>(number % static_cast<std::uint64_t>(longest.count())));
}

void Scheduler::Impl::start(const JobPointer &job) {
    pending.erase(*job);
    job->phase = Phase::running;
    job->key = {monotonic(), job->number};
    job->charged_from = monotonic();
    job->running_since = now();
    job->pid = fmt::format("<0.{}.0>", ++sessions_made);
    job->cancellation = std::make_shared<Cancellation>();
    note(*job, JobEvent::Type::started);
    running_line(*job).insert(job);
    shares.job_started(job->group);
    auto wait = jitter(*job);
    ++session_count;
    context.metrics.count(Metric::replicator_jobs_starts);
    sessions.start(run_session(job, job->cancellation, wait));
}

Task<void> Scheduler::Impl::run_session(JobPointer job, std::shared_ptr<Cancellation> cancellation,
                                        Millis wait) {
    co_await hop(context.loop); // whoever schedules goes on first
    if (wait.count() > 0)
        ignore_error(co_await pause_for(context.loop, wait, *cancellation), "cancelled: seen below");
    SessionEnd end = Failure{Error(ErrorCode::cancelled)};
    if (!cancellation->cancelled())
        end = co_await runner(job->replication, job->id, job->progress, *cancellation);
    session_ended(job, end);
}

void Scheduler::Impl::session_ended(const JobPointer &job, const SessionEnd &end) {
    --session_count;
    if (job->phase == Phase::gone) {
        unblock(job->text);
        schedule();
        return;
    }
    bool stopped = job->phase == Phase::stopping;
    if (!stopped)
        leave_running(*job);
    auto ran = now() - job->running_since;
    job->running_since = {};
    job->pid.clear();
    job->cancellation.reset();
    if (std::holds_alternative<SessionResult>(end))
        finish(job, end);
    else if ((stopped || stopping) && was_cancelled(end))
        session_stopped(job);
    else
        session_failed(job, std::get<Failure>(end), ran);
    schedule();
}

void Scheduler::Impl::session_stopped(const JobPointer &job) {
    note(*job, JobEvent::Type::stopped);
    context.metrics.count(Metric::replicator_jobs_stops);
    make_pending(job);
}

void Scheduler::Impl::session_failed(const JobPointer &job, const Failure &failure,
                                     std::chrono::microseconds ran) {
    if (ran > options.healthy_after)
        job->failures = 0;
    ++job->failures;
    const auto &error = failure.error;
    note(*job, JobEvent::Type::crashed, fmt::format("{}: {}", error.word(), failure.explained()));
    job->progress.cause = failure.cause;
    job->progress.last_error = failure.explained();
    context.metrics.count(Metric::replicator_jobs_crashes);
    context.log.warning(fmt::format("replication {} ({} to {}) failed {} times in a row ({}): {}: {}",
                                    job->text, job->replication.source.shown(),
                                    job->replication.target.shown(), job->failures, cause_name(failure.cause),
                                    error.word(), failure.explained()));
    bool for_good = options.failures_max > 0 && job->failures >= options.failures_max;
    if (!job->of_document() || for_good)
        finish(job, failure);
    else
        make_backing_off(job);
}

} // namespace divan::replication
