#pragma once

// SIGINT and SIGTERM as something to wait for, on the thread that shows how a long command goes on.

#include "base/clock.h"

#include <csignal>

namespace divan::cli {

// Made before the first other thread starts, so that all of them leave these signals to it. One in a process.
class Interrupts {
  public:
    Interrupts();

    enum class Woken : std::uint8_t { time, wake, signal };
    // Waits for a signal, for wake(), or for the time.
    [[nodiscard]] Woken wait(Millis time) const;
    // Ends a wait(), now or the next. Any thread.
    static void wake();

  private:
    sigset_t signals_{};
};

} // namespace divan::cli
