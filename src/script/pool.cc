#include "script/pool.h"

#include "script/jobs.h"
#include "script/session.h"
#include "script/worker_process.h"

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <list>
#include <mutex>
#include <thread>
#include <utility>

namespace divan::script {
namespace {

using Time = std::chrono::steady_clock;

// After a process could not be started.
constexpr std::chrono::seconds kSpawnRetry(1);

} // namespace

struct Pool::State {
    // A place for a worker, with the thread that drives it.
    struct Slot final : WorkerSource {
        explicit Slot(State &its_pool) : pool(its_pool) {}
        Result<WorkerProcess *> worker(const std::string &wanted) override;
        Result<void> discard() override;
        // What to answer when no worker is to be had any more. Under the mutex.
        [[nodiscard]] Result<void> may_go_on() const;

        State &pool;
        // Under the pool's mutex, but for `process` itself, which belongs to the thread while it is busy.
        std::unique_ptr<Job> job;
        std::unique_ptr<WorkerProcess> process;
        std::string database; // of the process, or of the job that it is about to run
        bool busy = false;
        bool released = false; // the process is to be ended
        Time::time_point idle_since;
        std::condition_variable wake;
        std::thread thread;
    };
    // The requests of a database.
    struct Queue {
        std::string database;
        std::deque<std::unique_ptr<Job>> jobs;
    };

    static Error released_error() { return {ErrorCode::script_failed, "The database was deleted."}; }
    void submit(std::unique_ptr<Job> job);
    void dispatch();
    Slot *choose(const std::string &database);
    std::size_t process_count() const;
    std::size_t busy_count(const std::string &database) const;
    void run_slot(Slot &slot);
    void run_job(Slot &slot, std::unique_lock<std::mutex> &lock);
    void rest(Slot &slot, std::unique_lock<std::mutex> &lock);
    Result<std::unique_ptr<WorkerProcess>> fresh();
    Result<std::unique_ptr<WorkerProcess>> fresh_and_ready();
    void keep_spare();
    Result<std::unique_ptr<WorkerProcess>> spawn(const PoolOptions &with, std::uint64_t its_generation);
    void stop();

    mutable std::mutex mutex;
    PoolOptions options;
    std::uint64_t generation = 0; // of the options
    bool stopping = false;
    std::list<Queue> queues; // whose turn it is first; none is empty
    std::size_t waiting = 0;
    std::deque<std::unique_ptr<Slot>> slots;
    std::unique_ptr<WorkerProcess> spare;
    std::condition_variable spare_taken;
    std::mutex stop_mutex;
    bool stopped = false; // under stop_mutex
    std::thread keeper;
    std::uint64_t started = 0;
    std::uint64_t killed = 0;
};

// ---- workers

Result<std::unique_ptr<WorkerProcess>> Pool::State::spawn(const PoolOptions &with,
                                                          std::uint64_t its_generation) {
    DIVAN_TRY(auto process, WorkerProcess::spawn(with));
    process->generation = its_generation;
    std::lock_guard lock(mutex);
    ++started;
    return process;
}

// The one that waits, or a new one.
Result<std::unique_ptr<WorkerProcess>> Pool::State::fresh() {
    std::unique_lock lock(mutex);
    if (stopping)
        return Error(ErrorCode::cancelled);
    auto process = std::move(spare);
    auto with = options;
    auto its_generation = generation;
    spare_taken.notify_one();
    lock.unlock();
    if (process != nullptr && process->generation == its_generation)
        return process;
    return spawn(with, its_generation);
}

// The spare may have died while it waited: then one that is new.
Result<std::unique_ptr<WorkerProcess>> Pool::State::fresh_and_ready() {
    DIVAN_TRY(auto process, fresh());
    if (process->await_ready().ok() && process->is_alive())
        return process;
    DIVAN_TRY(process, fresh());
    DIVAN_TRY_VOID(process->await_ready());
    return process;
}

void Pool::State::keep_spare() {
    std::unique_lock lock(mutex);
    while (!stopping) {
        if (spare != nullptr && spare->generation == generation) {
            spare_taken.wait(lock);
            continue;
        }
        auto old = std::move(spare);
        auto with = options;
        auto its_generation = generation;
        lock.unlock();
        old.reset();
        auto process = spawn(with, its_generation);
        lock.lock();
        if (process.ok())
            spare = std::move(process).value();
        else
            spare_taken.wait_for(lock, kSpawnRetry);
    }
}

Result<WorkerProcess *> Pool::State::Slot::worker(const std::string &wanted) {
    std::unique_ptr<WorkerProcess> old;
    {
        std::lock_guard lock(pool.mutex);
        DIVAN_TRY_VOID(may_go_on());
        // A process never sees two databases.
        if (process != nullptr && process->database == wanted && process->generation == pool.generation &&
            process->is_alive())
            return process.get();
        old = std::move(process);
    }
    old.reset();
    DIVAN_TRY(auto made, pool.fresh_and_ready());
    made->database = wanted;
    std::lock_guard lock(pool.mutex);
    DIVAN_TRY_VOID(may_go_on());
    process = std::move(made);
    return process.get();
}

Result<void> Pool::State::Slot::may_go_on() const {
    if (pool.stopping)
        return ErrorCode::cancelled;
    if (released)
        return released_error();
    return {};
}

Result<void> Pool::State::Slot::discard() {
    std::unique_ptr<WorkerProcess> old; // ends behind the lock
    std::lock_guard lock(pool.mutex);
    old = std::move(process);
    DIVAN_TRY_VOID(may_go_on());
    ++pool.killed;
    return {};
}

// ---- scheduling, under the mutex

std::size_t Pool::State::busy_count(const std::string &database) const {
    return static_cast<std::size_t>(std::count_if(slots.begin(), slots.end(), [&](const auto &slot) {
        return slot->busy && slot->database == database;
    }));
}

std::size_t Pool::State::process_count() const {
    return static_cast<std::size_t>(
        std::count_if(slots.begin(), slots.end(), [](const auto &slot) { return slot->process != nullptr; }));
}

// An idle slot: of the same database, else an empty one, else the one that has been idle for longest.
Pool::State::Slot *Pool::State::choose(const std::string &database) {
    Slot *best = nullptr;
    auto rank = [&](const Slot &slot) {
        if (slot.process == nullptr)
            return 1;
        return slot.database == database ? 0 : 2;
    };
    std::size_t running = 0;
    for (const auto &slot : slots) {
        running += slot->busy ? 1 : 0;
        if (slot->busy)
            continue;
        if (best == nullptr || rank(*slot) < rank(*best) ||
            (rank(*slot) == rank(*best) && slot->idle_since < best->idle_since))
            best = slot.get();
    }
    if (running >= options.workers_max)
        return nullptr;
    if ((best == nullptr || rank(*best) == 2) && slots.size() < options.workers_max) {
        best = slots.emplace_back(std::make_unique<Slot>(*this)).get();
        best->thread = std::thread([this, best] { run_slot(*best); });
    }
    return best;
}

void Pool::State::dispatch() {
    const auto of_database_max = std::max<std::size_t>(1, options.workers_max - 1);
    for (auto queue = queues.begin(); queue != queues.end() && !stopping;) {
        if (busy_count(queue->database) >= of_database_max) {
            ++queue;
            continue;
        }
        auto *slot = choose(queue->database);
        if (slot == nullptr)
            return;
        if (slot->released && slot->process != nullptr)
            slot->process->database.clear(); // not used again
        slot->job = std::move(queue->jobs.front());
        slot->busy = true;
        slot->released = false;
        slot->database = queue->database;
        slot->wake.notify_one();
        --waiting;
        queue->jobs.pop_front();
        // The next database has its turn.
        if (queue->jobs.empty())
            queue = queues.erase(queue);
        else
            queues.splice(queues.end(), queues, std::exchange(queue, std::next(queue)));
    }
}

void Pool::State::submit(std::unique_ptr<Job> job) {
    std::unique_lock lock(mutex);
    if (stopping || waiting >= options.queue_max) {
        auto code = stopping ? ErrorCode::cancelled : ErrorCode::service_unavailable;
        lock.unlock();
        job->fail(code);
        return;
    }
    auto queue = std::find_if(queues.begin(), queues.end(),
                              [&](const Queue &one) { return one.database == job->database(); });
    if (queue == queues.end())
        queue = queues.insert(queues.end(), {job->database(), {}});
    queue->jobs.push_back(std::move(job));
    ++waiting;
    dispatch();
}

// ---- a slot's thread

void Pool::State::run_job(Slot &slot, std::unique_lock<std::mutex> &lock) {
    auto job = std::move(slot.job);
    Session session(slot, options);
    lock.unlock();
    job->run(session);
    job.reset();
    lock.lock();
    slot.busy = false;
    slot.idle_since = Time::now();
    dispatch();
}

// Waits for a job; ends a process that is idle for too long, or no longer wanted.
void Pool::State::rest(Slot &slot, std::unique_lock<std::mutex> &lock) {
    bool unwanted = slot.released || process_count() > options.workers_max;
    if (slot.process == nullptr) {
        slot.wake.wait(lock);
    } else if (unwanted || Time::now() - slot.idle_since >= options.idle_max) {
        auto old = std::move(slot.process);
        slot.database.clear();
        lock.unlock();
        old.reset();
        lock.lock();
    } else {
        slot.wake.wait_until(lock, slot.idle_since + options.idle_max);
    }
}

void Pool::State::run_slot(Slot &slot) {
    std::unique_lock lock(mutex);
    while (!stopping || slot.job != nullptr) {
        if (slot.job != nullptr)
            run_job(slot, lock);
        else
            rest(slot, lock);
    }
}

void Pool::State::stop() {
    std::lock_guard only(stop_mutex);
    if (std::exchange(stopped, true))
        return;
    std::list<Queue> left;
    {
        std::lock_guard lock(mutex);
        stopping = true;
        left.swap(queues);
        waiting = 0;
        for (auto &slot : slots) {
            if (slot->process != nullptr)
                slot->process->kill();
            slot->wake.notify_one();
        }
        spare_taken.notify_one();
    }
    for (auto &queue : left)
        for (auto &job : queue.jobs)
            job->fail(ErrorCode::cancelled);
    for (auto &slot : slots)
        slot->thread.join();
    keeper.join();
}

// ---- the pool

Pool::Pool(PoolOptions options) : state_(std::make_unique<State>()) {
    state_->options = std::move(options);
    state_->keeper = std::thread([state = state_.get()] { state->keep_spare(); });
}

Pool::~Pool() {
    stop();
}

void Pool::stop() {
    state_->stop();
}

void Pool::map(MapRequest request, Done<MapAnswer> done) {
    state_->submit(make_job(std::move(request), std::move(done)));
}

void Pool::reduce(ReduceRequest request, Done<ReduceAnswer> done) {
    state_->submit(make_job(std::move(request), std::move(done)));
}

void Pool::call(CallRequest request, Done<CallAnswer> done) {
    state_->submit(make_job(std::move(request), std::move(done)));
}

void Pool::list(ListRequest request, Done<CallAnswer> done) {
    state_->submit(make_job(std::move(request), std::move(done)));
}

void Pool::compile(std::shared_ptr<const Program> program,
                   Done<std::vector<std::optional<FunctionError>>> done) {
    state_->submit(make_job(std::move(program), std::move(done)));
}

void Pool::release(const std::string &database) {
    std::deque<std::unique_ptr<Job>> jobs;
    {
        std::lock_guard lock(state_->mutex);
        auto queue = std::find_if(state_->queues.begin(), state_->queues.end(),
                                  [&](const auto &one) { return one.database == database; });
        if (queue != state_->queues.end()) {
            jobs = std::move(queue->jobs);
            state_->queues.erase(queue);
            state_->waiting -= jobs.size();
        }
        for (auto &slot : state_->slots)
            if (slot->database == database) {
                slot->released = true;
                if (slot->process != nullptr)
                    slot->process->kill();
                slot->wake.notify_one();
            }
    }
    for (auto &job : jobs)
        job->fail(State::released_error());
}

Pool::Stats Pool::stats() const {
    std::lock_guard lock(state_->mutex);
    return {state_->process_count(), state_->waiting, state_->started, state_->killed};
}

void Pool::set_options(PoolOptions options) {
    std::lock_guard lock(state_->mutex);
    options.command = state_->options.command;
    if (options == state_->options)
        return;
    state_->options = std::move(options);
    ++state_->generation;
    state_->dispatch();
    state_->spare_taken.notify_one();
    for (auto &slot : state_->slots)
        slot->wake.notify_one();
}

} // namespace divan::script
