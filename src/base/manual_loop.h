#pragma once

// An event loop whose time stands still until it is told to go on: for tests and simulations. What runs on
// it runs in the same order each time.
//
// Used on one thread. post() alone may be called from others, for those who wait for them.

#include "base/event_loop.h"

#include <condition_variable>
#include <map>
#include <mutex>

namespace divan {

class ManualLoop final : public EventLoop {
  public:
    ManualLoop() = default;
    // Drops what is queued.
    ~ManualLoop() override;

    void post(UniqueFunction<void()> work) override;
    [[nodiscard]] std::unique_ptr<Timer> after(Millis delay, UniqueFunction<void()> work) override;
    [[nodiscard]] ManualClock &clock() override { return clock_; }

    // Runs what is queued, and what that queues, until nothing is left; no timer becomes due by it. False:
    // after `steps_max` there was still more.
    bool run_until_idle(std::size_t steps_max = 10'000'000);
    // Lets time pass: each timer that becomes due runs at its time, and what it queues with it.
    void advance(Millis by);
    [[nodiscard]] std::size_t timer_count() const { return timers_.size(); }
    // Waits for another thread to post something; false: nothing came in that time.
    bool wait_for_post(Millis timeout);

  private:
    class ManualTimer;
    // By time, then in the order in which they were set.
    using Key = std::pair<std::chrono::microseconds, std::uint64_t>;
    std::optional<UniqueFunction<void()>> take();

    ManualClock clock_;
    mutable std::mutex mutex_; // of queue_
    std::condition_variable posted_;
    std::deque<UniqueFunction<void()>> queue_;
    std::map<Key, UniqueFunction<void()>> timers_;
    std::uint64_t timers_made_ = 0;
};

} // namespace divan
