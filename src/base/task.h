#pragma once

// Task<T>: a lazy coroutine, started by awaiting it (or by spawn). One owner, one awaiter, no
// exceptions across it: what can fail returns Result<T>.
//
// A task runs on the thread that resumes it. suspend<T>(start) is the one way to wait for
// something outside: `start` gets a Resume<T>, keeps it, and calls it exactly once with the value;
// the coroutine goes on inside that call, so the caller of Resume chooses the thread.
//
//   Task<int> answer(Executor &pool, Executor &home) {
//       co_return co_await run_on(pool, home, [] { return 42; });
//   }
//
// g++ 12 traps, all of them double frees: no `{}` for a parameter of an awaited call (write std::string());
// no `?:` with class temporaries in an awaited expression; lambdas given to suspend() capture by reference;
// no lambda coroutine with captures that may die before it ends.

#include "base/check.h"
#include "base/executor.h"

#include <coroutine>
#include <exception>
#include <optional>
#include <utility>

namespace divan {

template <typename T> class Task;

namespace task_detail {

struct PromiseBase {
    std::coroutine_handle<> continuation = std::noop_coroutine();

    struct FinalAwaiter {
        bool await_ready() noexcept { return false; }
        template <typename Promise>
        std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> handle) noexcept {
            return handle.promise().continuation;
        }
        void await_resume() noexcept {}
    };

    std::suspend_always initial_suspend() noexcept { return {}; }
    FinalAwaiter final_suspend() noexcept { return {}; }
    void unhandled_exception() noexcept { std::terminate(); }
};

template <typename T> struct Promise : PromiseBase {
    std::optional<T> value;
    Task<T> get_return_object();
    template <typename U> void return_value(U &&returned) { value.emplace(std::forward<U>(returned)); }
};

template <> struct Promise<void> : PromiseBase {
    Task<void> get_return_object();
    void return_void() noexcept {}
};

} // namespace task_detail

template <typename T = void> class [[nodiscard]] Task {
  public:
    using promise_type = task_detail::Promise<T>;
    using Handle = std::coroutine_handle<promise_type>;

    explicit Task(Handle handle) : handle_(handle) {}
    Task(Task &&other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
    Task &operator=(Task &&other) noexcept {
        std::swap(handle_, other.handle_);
        return *this;
    }
    ~Task() {
        if (handle_)
            handle_.destroy();
    }

    auto operator co_await() && noexcept {
        struct Awaiter {
            Handle handle;
            bool await_ready() noexcept { return false; }
            std::coroutine_handle<> await_suspend(std::coroutine_handle<> awaiting) noexcept {
                handle.promise().continuation = awaiting;
                return handle;
            }
            T await_resume() {
                if constexpr (!std::is_void_v<T>)
                    return std::move(*handle.promise().value);
            }
        };
        return Awaiter{handle_};
    }

  private:
    Handle handle_;
};

template <typename T> Task<T> task_detail::Promise<T>::get_return_object() {
    return Task<T>(std::coroutine_handle<Promise>::from_promise(*this));
}

inline Task<void> task_detail::Promise<void>::get_return_object() {
    return Task<void>(std::coroutine_handle<Promise>::from_promise(*this));
}

// A value to be delivered to a suspended coroutine. Call it exactly once; copying it copies the
// right to call, not the obligation.
template <typename T> class Resume {
  public:
    Resume(std::optional<T> *slot, std::coroutine_handle<> handle) : slot_(slot), handle_(handle) {}
    void operator()(T value) const {
        slot_->emplace(std::move(value));
        handle_.resume();
    }

  private:
    std::optional<T> *slot_;
    std::coroutine_handle<> handle_;
};

// co_await suspend<T>([&](Resume<T> resume) { ... }) waits until resume(value) is called.
template <typename T, typename Start> auto suspend(Start start) {
    struct Awaiter {
        Start start;
        std::optional<T> slot;
        bool await_ready() noexcept { return false; }
        void await_suspend(std::coroutine_handle<> handle) {
            // `this` may be gone as soon as start() has handed the resume to another thread.
            Start local = std::move(start);
            local(Resume<T>(&slot, handle));
        }
        T await_resume() { return std::move(*slot); }
    };
    return Awaiter{std::move(start), std::nullopt};
}

namespace task_detail {

struct Detached {
    struct promise_type {
        Detached get_return_object() noexcept { return {}; }
        std::suspend_never initial_suspend() noexcept { return {}; }
        std::suspend_never final_suspend() noexcept { return {}; }
        void return_void() noexcept {}
        void unhandled_exception() noexcept { std::terminate(); }
    };
};

template <typename Done> Detached run_detached(Task<void> task, Done done) {
    co_await std::move(task);
    done();
}

} // namespace task_detail

// Starts a task on this thread; `done` runs when it has ended, on the thread that ended it.
template <typename Done> void spawn(Task<void> task, Done done) {
    task_detail::run_detached(std::move(task), std::move(done));
}

// Runs `work` on `pool` and goes on with its value on `home`.
template <typename Work>
auto run_on(Executor &pool, Executor &home, Work work) -> Task<std::invoke_result_t<Work &>> {
    using Value = std::invoke_result_t<Work &>;
    co_return co_await suspend<Value>([&pool, &home, &work](Resume<Value> resume) {
        pool.post([&home, &work, resume] {
            auto value = work();
            home.post([resume, value = std::move(value)]() mutable { resume(std::move(value)); });
        });
    });
}

} // namespace divan
