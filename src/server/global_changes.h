#pragma once

// Feeds the database `_global_changes`, if there is one, from the store's events: one document a kind
// and database ("created:db"), rewritten each time, as CouchDB's global_changes application does.
// `_db_updates` is that database's feed.

#include "db/store.h"

#include <memory>

namespace divan::server {

// Thread-safe. The store and the pool outlive it.
class GlobalChanges {
  public:
    GlobalChanges(db::Store &store, Executor &pool);
    ~GlobalChanges();

  private:
    struct State;
    std::shared_ptr<State> state_;
};

} // namespace divan::server
