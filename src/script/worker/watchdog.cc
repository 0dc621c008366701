#include "script/worker/watchdog.h"

#include "script/worker/sandbox.h"

#include <algorithm>
#include <unistd.h>

namespace divan::script {
namespace {

using Time = std::chrono::steady_clock;

// Memory grows fast: at most 1 GB in this time.
constexpr std::chrono::milliseconds kTickMax(20);
// A call is found to be late by this part of the timeout at most.
constexpr int kTicksInTimeout = 8;
constexpr int kStuck = 3; // exit status

} // namespace

Watchdog::Watchdog(std::chrono::milliseconds timeout, std::size_t data_bytes_max,
                   std::function<void()> interrupt)
    : timeout_(timeout), data_bytes_max_(data_bytes_max), interrupt_(std::move(interrupt)),
      thread_([this] { watch(); }) {}

void Watchdog::resume() {
    begin_call();
    {
        std::lock_guard lock(mutex_);
        watching_ = true;
    }
    changed_.notify_one();
}

void Watchdog::pause() {
    std::lock_guard lock(mutex_);
    watching_ = false;
}

bool Watchdog::is_timeout() const {
    return late_call_.load() == call_.load(std::memory_order_relaxed);
}

void Watchdog::watch() {
    const auto tick = std::clamp(timeout_ / kTicksInTimeout, std::chrono::milliseconds(1), kTickMax);
    std::unique_lock lock(mutex_);
    std::uint64_t seen = 0;
    Time::time_point since;
    for (;;) {
        changed_.wait(lock, [this] { return watching_; });
        changed_.wait_for(lock, tick, [] { return false; });
        auto call = call_.load(std::memory_order_relaxed);
        auto now = Time::now();
        if (!watching_ || call != seen) {
            seen = call;
            since = now;
        } else if (now - since >= 2 * timeout_) {
            _exit(kStuck);
        } else if (now - since >= timeout_) {
            late_call_ = call;
            interrupt_();
        }
        if (watching_ && data_bytes() > data_bytes_max_)
            interrupt_();
    }
}

} // namespace divan::script
