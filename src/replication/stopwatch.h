#pragma once

// Adds the time that it lives to what a stage of a session waited.

#include "replication/replicate.h"

namespace divan::replication {

class Stopwatch {
  public:
    Stopwatch(Context &context, Progress &progress, Stage stage)
        : clock_(context.clock), waited_(progress.waited[static_cast<std::size_t>(stage)]),
          began_(clock_.monotonic()) {}
    ~Stopwatch() { waited_ += clock_.monotonic() - began_; }
    Stopwatch(const Stopwatch &) = delete;
    Stopwatch &operator=(const Stopwatch &) = delete;

  private:
    Clock &clock_;
    std::chrono::nanoseconds &waited_;
    std::chrono::nanoseconds began_;
};

} // namespace divan::replication
