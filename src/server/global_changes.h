#pragma once

// Feeds the database `_global_changes` from the store's events: one document a kind and database
// ("created:db"), rewritten each time, as CouchDB's global_changes application does. `_db_updates` is that
// database's feed. Without the database, events are dropped.

#include "base/clock.h"
#include "base/unique_function.h"
#include "db/store.h"

#include <functional>
#include <memory>

namespace divan::server {

// Thread-safe. The store and the pool outlive it.
class GlobalChanges {
  public:
    struct Timing {
        // How long events are gathered before they are written: a busy database costs two writes a second.
        std::function<Millis()> write_delay;
        // Runs something on any thread after a while, or never once the server stops.
        std::function<void(Millis, UniqueFunction<void()>)> run_after;
    };

    GlobalChanges(db::Store &store, Executor &pool, Timing timing);
    // Writes what was gathered and waits for it.
    ~GlobalChanges();

  private:
    struct State;
    std::shared_ptr<State> state_;
};

} // namespace divan::server
