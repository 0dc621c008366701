#pragma once

// From a request's executor to a loop and back.

#include "base/event_loop.h"
#include "base/task.h"

#include <optional>

namespace divan::access {

template <typename T> Task<void> keep_value(Task<T> task, std::optional<T> &value) {
    value.emplace(co_await std::move(task));
}

// Runs the task on the loop, and goes on with its value on `home`.
template <typename T> Task<T> run_on_loop(EventLoop &loop, Executor &home, Task<T> task) {
    std::optional<T> value;
    (void)co_await suspend<bool>([&](Resume<bool> resume) {
        loop.post([&task, &value, &home, resume] {
            spawn(keep_value(std::move(task), value),
                  [&home, resume] { home.post([resume] { resume(true); }); });
        });
    });
    co_return std::move(*value);
}

} // namespace divan::access
