#pragma once

// A thread that stops functions which run for too long or take too much memory.
//
// The thread of the engine says when a call begins; the watchdog asks the engine to interrupt it when the
// same call runs for `timeout`. A call that does not stop then (the engine is deep in something of its own)
// ends the process.

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <thread>

namespace divan::script {

class Watchdog {
  public:
    // `interrupt` is called on the watchdog's thread. `data_bytes_max` is that of the process.
    Watchdog(std::chrono::milliseconds timeout, std::size_t data_bytes_max, std::function<void()> interrupt);
    Watchdog(const Watchdog &) = delete;
    Watchdog &operator=(const Watchdog &) = delete;
    // Never destroyed: the process ends by _exit().
    ~Watchdog() = delete;

    // On the engine's thread. Between pause() and resume() nothing is watched.
    void resume();
    void pause();
    void begin_call() { call_.store(call_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed); }

    // On the engine's thread, when it was interrupted: whether the call under way is the one that ran too
    // long.
    [[nodiscard]] bool is_timeout() const;

  private:
    void watch();

    const std::chrono::milliseconds timeout_;
    const std::size_t data_bytes_max_;
    const std::function<void()> interrupt_;
    std::atomic<std::uint64_t> call_ = 1;
    std::atomic<std::uint64_t> late_call_ = 0;
    std::mutex mutex_;
    std::condition_variable changed_;
    bool watching_ = false;
    std::thread thread_;
};

} // namespace divan::script
