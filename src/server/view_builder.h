#pragma once

// Builds views after writes: the indexes of a database that was written are brought up to date in the
// background, a while later, so that queries find little to do.

#include "base/clock.h"
#include "base/unique_function.h"
#include "db/store.h"
#include "views/views.h"

#include <functional>
#include <memory>

namespace divan::server {

// Thread-safe. The services outlive it.
class ViewBuilder {
  public:
    struct Timing {
        // How long writes are gathered: a busy database has its views looked at so often.
        std::function<Millis()> delay;
        // Runs something on any thread after a while, or never once the server stops.
        std::function<void(Millis, UniqueFunction<void()>)> run_after;
    };

    ViewBuilder(db::Store &store, views::Views &views, Executor &pool, Timing timing);
    // Nothing is begun any more when it returns.
    ~ViewBuilder();

  private:
    struct State;
    std::shared_ptr<State> state_;
};

} // namespace divan::server
