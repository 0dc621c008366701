#pragma once

// Event: "look again". Notifications collapse: any number of notify() before a wait is one.
// Thread-safe. Shared (shared_ptr) by the notifier and the one that waits.

#include "base/unique_function.h"

#include <mutex>

namespace divan {

class Event {
  public:
    void notify();
    // Runs `callback` once: now if a notification is pending (and takes it), else on the next
    // notify(), on the notifier's thread. It must be short and must not call this Event. A second
    // call replaces a callback that has not run; an empty one withdraws it.
    void on_notify(UniqueFunction<void()> callback);

  private:
    std::mutex mutex_;
    bool pending_ = false;
    UniqueFunction<void()> callback_;
};

} // namespace divan
