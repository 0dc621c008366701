#pragma once

#include "base/executor.h"

#include <functional>

namespace divan {

// Calls work(0) to work(count - 1), each once, on this thread and on threads of `pool` that have time, and
// returns when all have ended. Threads that have no time are not waited for, so that a thread of the pool may
// call it, too. Calls run at the same time, in any order; they must not throw.
void run_beside(Executor &pool, std::size_t count, const std::function<void(std::size_t)> &work);

} // namespace divan
