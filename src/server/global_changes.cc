#include "server/global_changes.h"

#include <atomic>
#include <mutex>
#include <set>

namespace divan::server {
namespace {

constexpr const char *kDatabase = "_global_changes";
// Names of databases with unwritten events; beyond, events are written at once anyway.
constexpr std::size_t kPendingMax = 10'000;

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
    State(db::Store &shared_store, Executor &shared_pool) : store(shared_store), pool(shared_pool) {}

    void add(const db::DatabaseEvent &event) {
        if (stopped || event.name == kDatabase || store.find_open(kDatabase) == nullptr)
            return;
        {
            std::lock_guard lock(mutex);
            if (pending.size() < kPendingMax)
                pending.insert(std::string(type_name(event.type)) + ":" + event.name);
            if (writing)
                return;
            writing = true;
        }
        pool.post([self = shared_from_this()] { self->write(); });
    }

    // One batch at a time; what comes meanwhile is collapsed into the next.
    void write() {
        std::set<std::string> ids;
        {
            std::lock_guard lock(mutex);
            ids.swap(pending);
            writing = !ids.empty();
        }
        auto database = store.find_open(kDatabase);
        if (ids.empty() || stopped || !database)
            return;
        std::vector<std::string> list(ids.begin(), ids.end());
        auto heads = database->heads(list);
        if (!heads.ok())
            return;
        std::vector<db::Edit> edits;
        for (std::size_t i = 0; i < list.size(); ++i) {
            db::Edit edit;
            edit.id = list[i];
            if ((*heads)[i])
                edit.parent = (*heads)[i]->rev;
            edits.push_back(std::move(edit));
        }
        database->write(std::move(edits), [self = shared_from_this()](auto) { self->write(); });
    }

    db::Store &store;
    Executor &pool;
    std::atomic<bool> stopped = false;
    std::mutex mutex;
    std::set<std::string> pending;
    bool writing = false;
};

GlobalChanges::GlobalChanges(db::Store &store, Executor &pool)
    : state_(std::make_shared<State>(store, pool)) {
    // Opened once, so that events find it; created later, its own creation opens it.
    ignore_error(store.open(kDatabase), "there is none");
    store.on_event([state = state_](const db::DatabaseEvent &event) { state->add(event); });
}

GlobalChanges::~GlobalChanges() {
    state_->stopped = true;
}

} // namespace divan::server
