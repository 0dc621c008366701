#include "server/global_changes.h"

#include <condition_variable>
#include <mutex>
#include <set>

namespace divan::server {
namespace {

constexpr const char *kDatabase = "_global_changes";
// Events of so many databases wait at most; beyond, events are lost until the next write.
constexpr std::size_t kPendingMax = 100'000;

const char *type_name(db::DatabaseEvent::Type type) {
    switch (type) {
    case db::DatabaseEvent::Type::created:
        return "created";
    case db::DatabaseEvent::Type::updated:
        return "updated";
    case db::DatabaseEvent::Type::deleted:
        return "deleted";
    }
    return "";
}

} // namespace

struct GlobalChanges::State : std::enable_shared_from_this<GlobalChanges::State> {
    State(db::Store &shared_store, Executor &shared_pool, Timing given)
        : store(shared_store), pool(shared_pool), timing(std::move(given)) {}

    void add(const db::DatabaseEvent &event) {
        if (event.name == kDatabase)
            return;
        {
            std::lock_guard lock(mutex);
            if (stopped || pending.size() >= kPendingMax)
                return;
            pending.insert(std::string(type_name(event.type)) + ":" + event.name);
            if (scheduled || writing)
                return;
            scheduled = true;
        }
        schedule();
    }

    void schedule() {
        timing.run_after(timing.write_delay(),
                         [self = shared_from_this()] { self->pool.post([self] { self->write(); }); });
    }

    // One batch at a time; what comes meanwhile waits for the next.
    void write() {
        std::set<std::string> ids;
        {
            std::lock_guard lock(mutex);
            scheduled = false;
            if (writing || pending.empty())
                return;
            ids.swap(pending);
            writing = true;
        }
        auto begun = write_events({ids.begin(), ids.end()});
        if (!begun.ok())
            written();
    }

    Result<void> write_events(const std::vector<std::string> &ids) {
        DIVAN_TRY(auto database, store.open(kDatabase));
        DIVAN_TRY(auto heads, database->heads(ids));
        std::vector<db::Edit> edits;
        for (std::size_t i = 0; i < ids.size(); ++i) {
            db::Edit edit;
            edit.id = ids[i];
            if (heads[i])
                edit.parent = heads[i]->rev;
            edits.push_back(std::move(edit));
        }
        database->write(std::move(edits), db::WriteContext::system(),
                        [self = shared_from_this()](auto) { self->written(); });
        return {};
    }

    void written() {
        bool again = false;
        {
            std::lock_guard lock(mutex);
            writing = false;
            again = !stopped && !pending.empty() && !scheduled;
            scheduled |= again;
            changed.notify_all();
        }
        if (again)
            schedule();
    }

    void stop() {
        std::unique_lock lock(mutex);
        stopped = true;
        changed.wait(lock, [&] { return !writing; });
        lock.unlock();
        write();
        lock.lock();
        changed.wait(lock, [&] { return !writing; });
    }

    db::Store &store;
    Executor &pool;
    const Timing timing;
    std::mutex mutex;
    std::condition_variable changed;
    std::set<std::string> pending; // ids of documents
    bool scheduled = false;
    bool writing = false;
    bool stopped = false;
};

GlobalChanges::GlobalChanges(db::Store &store, Executor &pool, Timing timing)
    : state_(std::make_shared<State>(store, pool, std::move(timing))) {
    store.on_event([state = state_](const db::DatabaseEvent &event) { state->add(event); });
}

GlobalChanges::~GlobalChanges() {
    state_->stop();
}

} // namespace divan::server
