#pragma once

// One thread that runs coroutines and timers, and what coroutines on it wait for each other with.
//
// Everything here but Executor::post() is used on the loop's thread only, so that nothing needs a lock.
// Production has a loop over sockets (net/socket_loop.h), simulations one with a clock of their own.

#include "base/clock.h"
#include "base/event.h"
#include "base/executor.h"
#include "base/result.h"
#include "base/task.h"

#include <coroutine>
#include <deque>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <vector>

namespace divan {

class EventLoop : public Executor {
  public:
    // Destroying it before the time withdraws the work.
    class Timer {
      public:
        virtual ~Timer() = default;
    };
    [[nodiscard]] virtual std::unique_ptr<Timer> after(Millis delay, UniqueFunction<void()> work) = 0;
    [[nodiscard]] virtual Clock &clock() = 0;
};

// "Give up": told once, seen by all that wait under it. Outlives the registrations.
class Cancellation {
  public:
    Cancellation() = default;
    Cancellation(const Cancellation &) = delete;
    Cancellation &operator=(const Cancellation &) = delete;

    [[nodiscard]] bool cancelled() const { return cancelled_; }
    void cancel();
    // As if it had never been cancelled. REQUIRES: nobody waits under it.
    void renew() { cancelled_ = false; }

    // Withdraws its callback when it is destroyed.
    class Registration {
      public:
        Registration() = default;
        Registration(Registration &&other) noexcept
            : owner_(std::exchange(other.owner_, nullptr)), at_(other.at_) {}
        Registration &operator=(Registration &&other) noexcept;
        ~Registration();

      private:
        friend class Cancellation;
        Cancellation *owner_ = nullptr;
        std::list<std::function<void()>>::iterator at_;
    };
    // `callback` runs inside cancel(): it must not resume a coroutine, but post to the loop. Not called if
    // cancelled() already.
    [[nodiscard]] Registration on_cancel(std::function<void()> callback);

  private:
    bool cancelled_ = false;
    std::list<std::function<void()>> callbacks_;
};

enum class WaitEnd : std::uint8_t { event, timeout, cancelled };

// Waits for a notification of `event` (may be null), the time, or the cancellation.
Task<WaitEnd> wait_for(EventLoop &loop, std::shared_ptr<Event> event, Millis timeout,
                       Cancellation &cancellation);
// Errors: cancelled.
Task<Result<void>> pause_for(EventLoop &loop, Millis time, Cancellation &cancellation);

// Coroutines that wait in a line; woken through the loop, in order.
class WaitLine {
  public:
    explicit WaitLine(EventLoop &loop) : loop_(loop) {}
    auto wait() {
        struct Awaiter {
            WaitLine &line;
            bool await_ready() noexcept { return false; }
            void await_suspend(std::coroutine_handle<> handle) { line.handles_.push_back(handle); }
            void await_resume() noexcept {}
        };
        return Awaiter{*this};
    }
    void wake_one();
    void wake_all();

  private:
    EventLoop &loop_;
    std::deque<std::coroutine_handle<>> handles_;
};

// A bounded number of permits.
class Semaphore {
  public:
    Semaphore(EventLoop &loop, std::size_t count) : line_(loop), free_(count) {}
    Task<void> acquire();
    void release();

  private:
    WaitLine line_;
    std::size_t free_;
};

// A bounded queue between coroutines.
template <typename T> class Channel {
  public:
    Channel(EventLoop &loop, std::size_t capacity) : readers_(loop), writers_(loop), capacity_(capacity) {}

    // Waits for room; false: it was closed, the value is dropped.
    Task<bool> push(T value) {
        while (!closed_ && values_.size() >= capacity_)
            co_await writers_.wait();
        if (closed_)
            co_return false;
        values_.push_back(std::move(value));
        readers_.wake_one();
        co_return true;
    }
    // Waits for a value; nullopt: it was closed and is empty.
    Task<std::optional<T>> pop() {
        while (values_.empty() && !closed_)
            co_await readers_.wait();
        std::optional<T> value;
        if (!values_.empty()) {
            value.emplace(std::move(values_.front()));
            values_.pop_front();
            writers_.wake_one();
        }
        co_return value;
    }
    void close() {
        closed_ = true;
        readers_.wake_all();
        writers_.wake_all();
    }

  private:
    WaitLine readers_;
    WaitLine writers_;
    std::size_t capacity_;
    std::deque<T> values_;
    bool closed_ = false;
};

// Tasks that run beside each other. REQUIRES: joined before it is destroyed.
class TaskGroup {
  public:
    explicit TaskGroup(EventLoop &loop) : ended_(loop) {}
    void start(Task<void> task);
    // Waits until all have ended.
    Task<void> join();

  private:
    WaitLine ended_;
    std::size_t running_ = 0;
};

} // namespace divan
