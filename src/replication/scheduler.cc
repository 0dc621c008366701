#include "replication/scheduler.h"

#include "config/config.h"
#include "replication/job.h"
#include "telemetry/log.h"
#include "telemetry/metrics.h"

#include <algorithm>
#include <atomic>
#include <charconv>
#include <cmath>
#include <fmt/format.h>
#include <set>

namespace divan::replication {
namespace {

using telemetry::Metric;
using Phase = Job::Phase;

// Of jitter for each session that runs: one job starts at once, hundreds spread.
constexpr Millis kJitterPerSession{10};

Task<void> hop(EventLoop &loop) {
    co_await suspend<bool>([&loop](Resume<bool> resume) { loop.post([resume] { resume(true); }); });
}

std::string group_of(const Replication &replication) {
    return replication.document_database.empty() ? "_replicate of " + replication.principal.name
                                                 : replication.document_database;
}

bool was_cancelled(const SessionEnd &end) {
    const auto *failure = std::get_if<Failure>(&end);
    return failure != nullptr && failure->error.code() == ErrorCode::cancelled;
}

} // namespace

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

SchedulerOptions scheduler_options(const config::Config &config) {
    auto number = [&](std::string_view key) { return config.integer("replicator", key); };
    SchedulerOptions options;
    options.max_jobs = static_cast<std::size_t>(number("max_jobs"));
    options.interval = Millis(number("interval"));
    options.max_churn = static_cast<std::size_t>(number("max_churn"));
    options.startup_jitter_max = Millis(number("startup_jitter"));
    options.history_events_max = static_cast<std::size_t>(number("max_history"));
    options.back_off_first = Millis(number("retry_delay") * 1'000);
    options.back_off_factor = config.decimal("replicator", "backoff_factor");
    options.back_off_max = Millis(number("max_delay") * 1'000);
    options.failures_max = static_cast<std::uint64_t>(number("max_retries"));
    options.healthy_after = Millis(number("health_threshold") * 1'000);
    options.usage_kept = config.decimal("replicator", "usage_coeff");
    for (const auto &[group, text] : config.section("replicator.shares")) {
        std::uint64_t shares = 0;
        auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), shares);
        if (error == std::errc())
            options.shares[group] = shares;
    }
    return options;
}

Millis back_off(const SchedulerOptions &options, std::uint64_t failures) {
    auto doublings = std::min<std::uint64_t>(failures - std::min<std::uint64_t>(failures, 1),
                                             options.history_events_max / 2);
    auto time = static_cast<double>(options.back_off_first.count()) *
                std::pow(options.back_off_factor, static_cast<double>(doublings));
    auto longest = static_cast<double>(options.back_off_max.count());
    return Millis(static_cast<Millis::rep>(std::min(time, longest)));
}

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

    std::chrono::nanoseconds monotonic() const { return context.loop.clock().monotonic(); }
    std::chrono::microseconds now() const { return context.loop.clock().now(); }

    void note(Job &job, JobEvent::Type type, std::string reason = {}) {
        job.history.push_front({type, now(), std::move(reason)});
        while (job.history.size() > options.history_events_max)
            job.history.pop_back();
    }

    // ---- lines

    void make_pending(const JobPointer &job) {
        job->phase = Phase::pending;
        job->key = {monotonic(), job->number};
        job->next_start = {};
        pending.insert(job);
    }

    void make_backing_off(const JobPointer &job) {
        auto wait = back_off(options, job->failures);
        job->phase = Phase::backing_off;
        job->key = {monotonic() + wait, job->number};
        job->next_start = now() + wait;
        backing_off.emplace(job->key, job);
    }

    JobLines &running_line(const Job &job) { return job.replication.continuous ? continuous : one_shots; }

    // Charges what it ran. REQUIRES: it runs.
    void leave_running(Job &job) {
        running_line(job).erase(job);
        shares.job_stopped(job.group, monotonic() - job.charged_from);
    }

    // ---- turns

    // Brings everything to where it should be now, and arms the timer for what is next.
    void schedule() {
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
        publish();
    }

    void end_interval() {
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
    void stop_excess() {
        while (continuous.size() + one_shots.size() > options.max_jobs)
            make_room((continuous.empty() ? one_shots : continuous).first(shares, true));
    }

    void make_room(const JobPointer &job) {
        leave_running(*job);
        job->phase = Phase::stopping;
        job->cancellation->cancel();
    }

    void arm() {
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

    void publish() {
        total = jobs.size();
        running = session_count;
        waiting = pending.size() + blocked.size();
        crashed = backing_off.size();
    }

    // ---- sessions

    Millis jitter(const Job &job) {
        auto longest =
            std::min(options.startup_jitter_max, kJitterPerSession * static_cast<int>(session_count));
        if (!job.of_document() || longest.count() <= 0)
            return Millis(0);
        std::uint64_t number = 0;
        for (unsigned char byte : context.random.bytes(sizeof number))
            number = number << 8 | byte;
        return Millis(static_cast<Millis::rep>(number % static_cast<std::uint64_t>(longest.count())));
    }

    void start(const JobPointer &job) {
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

    Task<void> run_session(JobPointer job, std::shared_ptr<Cancellation> cancellation, Millis wait) {
        co_await hop(context.loop); // whoever schedules goes on first
        if (wait.count() > 0)
            ignore_error(co_await pause_for(context.loop, wait, *cancellation), "cancelled: seen below");
        SessionEnd end = Failure{Error(ErrorCode::cancelled)};
        if (!cancellation->cancelled())
            end = co_await runner(job->replication, job->id, job->progress, *cancellation);
        session_ended(job, end);
    }

    void session_ended(const JobPointer &job, const SessionEnd &end) {
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

    void session_stopped(const JobPointer &job) {
        note(*job, JobEvent::Type::stopped);
        context.metrics.count(Metric::replicator_jobs_stops);
        make_pending(job);
    }

    void session_failed(const JobPointer &job, const Failure &failure, std::chrono::microseconds ran) {
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
                                        job->replication.target.shown(), job->failures,
                                        cause_name(failure.cause), error.word(), failure.explained()));
        bool for_good = options.failures_max > 0 && job->failures >= options.failures_max;
        if (!job->of_document() || for_good)
            finish(job, failure);
        else
            make_backing_off(job);
    }

    // ---- jobs

    void finish(const JobPointer &job, const JobEnd &end) {
        jobs.erase(job->text);
        context.metrics.count(Metric::replicator_jobs_removes);
        tell(job, end);
    }

    void tell(const JobPointer &job, const JobEnd &end) {
        if (job->ended.empty())
            return;
        context.loop.post([told = std::exchange(job->ended, {}), end, seen = view(*job)] {
            for (const auto &ended : told)
                if (ended)
                    ended(end, seen);
        });
    }

    // A job of this id waited for the end of a session.
    void unblock(const std::string &text) {
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

    Result<void> add(ReplicationId id, Replication replication, Ended ended) {
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

    bool remove(const std::string &text) {
        auto found = jobs.find(text);
        if (found == jobs.end())
            return false;
        auto job = found->second;
        jobs.erase(found);
        context.metrics.count(Metric::replicator_jobs_removes);
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

    [[nodiscard]] JobView view(const Job &job) const {
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
        bool healthy = runs && now() - job.running_since > options.healthy_after;
        view.failures = healthy ? 0 : job.failures;
        view.state = runs                              ? JobState::running
                     : job.phase == Phase::backing_off ? JobState::crashing
                                                       : JobState::pending;
        return view;
    }

    Task<void> stop() {
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
        publish();
    }

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
    std::atomic<std::size_t> total = 0, running = 0, waiting = 0, crashed = 0;
};

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
    return {impl_->total, impl_->running, impl_->waiting, impl_->crashed};
}

Task<void> Scheduler::stop() {
    return impl_->stop();
}

} // namespace divan::replication
