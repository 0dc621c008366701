#include "server/view_builder.h"

#include <condition_variable>
#include <mutex>
#include <set>

namespace divan::server {
namespace {

// So many written databases wait at most; the views of others are built when they are asked for.
constexpr std::size_t kWaitingMax = 100'000;

} // namespace

struct ViewBuilder::State : std::enable_shared_from_this<ViewBuilder::State> {
    State(db::Store &shared_store, views::Views &shared_views, Executor &shared_pool, Timing given)
        : store(shared_store), views(shared_views), pool(shared_pool), timing(std::move(given)) {}

    void note(const db::DatabaseEvent &event) {
        if (event.type == db::DatabaseEvent::Type::deleted) {
            views.forget(event.uuid);
            return;
        }
        {
            std::lock_guard lock(mutex);
            if (stopped || written.size() >= kWaitingMax)
                return;
            written.insert(event.name);
            if (scheduled)
                return;
            scheduled = true;
        }
        timing.run_after(timing.delay(),
                         [self = shared_from_this()] { self->pool.post([self] { self->begin(); }); });
    }

    void begin() {
        std::set<std::string> names;
        {
            std::lock_guard lock(mutex);
            scheduled = false;
            if (stopped)
                return;
            beginning = true;
            names.swap(written);
        }
        for (const auto &name : names)
            if (auto database = store.open(name); database.ok())
                ignore_error(views.update_later(*database),
                             "the next query builds them and says what is wrong");
        std::lock_guard lock(mutex);
        beginning = false;
        idle.notify_all();
    }

    void stop() {
        std::unique_lock lock(mutex);
        stopped = true;
        idle.wait(lock, [&] { return !beginning; });
    }

    db::Store &store;
    views::Views &views;
    Executor &pool;
    Timing timing;
    std::mutex mutex;
    std::condition_variable idle;
    std::set<std::string> written;
    bool scheduled = false;
    bool beginning = false;
    bool stopped = false;
};

ViewBuilder::ViewBuilder(db::Store &store, views::Views &views, Executor &pool, Timing timing)
    : state_(std::make_shared<State>(store, views, pool, std::move(timing))) {
    store.on_event([state = std::weak_ptr(state_)](const db::DatabaseEvent &event) {
        if (auto alive = state.lock())
            alive->note(event);
    });
}

ViewBuilder::~ViewBuilder() {
    state_->stop();
}

} // namespace divan::server
