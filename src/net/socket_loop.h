#pragma once

// The event loop over sockets: a thread of its own.

#include "base/event_loop.h"

#include <memory>

namespace divan::net {

class SocketLoop final : public EventLoop {
  public:
    explicit SocketLoop(Clock &clock); // starts the thread
    ~SocketLoop() override;            // stops
    // Drops what is queued and the timers, and joins the thread; later posts run nothing. Idempotent; not on
    // the loop's thread. Coroutines that wait for something of the loop never go on, and are leaked.
    void stop();

    void post(UniqueFunction<void()> work) override; // any thread
    // The loop outlives its timers.
    [[nodiscard]] std::unique_ptr<Timer> after(Millis delay, UniqueFunction<void()> work) override;
    [[nodiscard]] Clock &clock() override;

    class Impl; // for the files of this module only
    [[nodiscard]] Impl &impl() { return *impl_; }

  private:
    std::unique_ptr<Impl> impl_;
};

} // namespace divan::net
