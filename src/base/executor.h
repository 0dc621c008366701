#pragma once

// Where work runs. A connection is a serial executor; the engine pool runs what may block.

#include "base/unique_function.h"

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <mutex>
#include <thread>
#include <vector>

namespace divan {

class Executor {
  public:
    virtual ~Executor() = default;
    // Runs `work` later, on another stack. Thread-safe. Work must not throw.
    virtual void post(UniqueFunction<void()> work) = 0;
};

// A fixed number of threads behind one queue. The destructor finishes what was posted.
class ThreadPool final : public Executor {
  public:
    explicit ThreadPool(std::size_t thread_count);
    ~ThreadPool() override;
    ThreadPool(const ThreadPool &) = delete;
    ThreadPool &operator=(const ThreadPool &) = delete;

    void post(UniqueFunction<void()> work) override;
    // Finishes what was posted and joins the threads. Later posts run on the caller's thread.
    void stop();
    [[nodiscard]] std::size_t queue_length() const;

  private:
    void run();

    mutable std::mutex mutex_;
    std::condition_variable ready_;
    std::deque<UniqueFunction<void()>> queue_;
    bool stopping_ = false;
    std::vector<std::thread> threads_;
};

} // namespace divan
