#include "base/run_beside.h"

#include "base/manual_loop.h"

#include <atomic>
#include <gtest/gtest.h>

namespace divan {
namespace {

TEST(RunBeside, EachIsCalledOnce) {
    ThreadPool pool(4);
    for (std::size_t count : {0u, 1u, 2u, 100u}) {
        std::vector<std::atomic<int>> calls(count);
        run_beside(pool, count, [&](std::size_t i) { ++calls[i]; });
        for (const auto &call : calls)
            EXPECT_EQ(call, 1);
    }
}

// Two calls that wait for each other end only if they run at the same time.
TEST(RunBeside, CallsRunAtTheSameTime) {
    ThreadPool pool(1);
    std::mutex mutex;
    std::condition_variable met;
    int arrived = 0;
    run_beside(pool, 2, [&](std::size_t) {
        std::unique_lock lock(mutex);
        ++arrived;
        met.notify_all();
        EXPECT_TRUE(met.wait_for(lock, std::chrono::seconds(20), [&] { return arrived == 2; }));
    });
}

// All threads of a pool do it at once: nobody is left to help, and nobody waits.
TEST(RunBeside, ThreadsOfThePoolMayCallIt) {
    std::atomic<int> calls = 0;
    {
        ThreadPool pool(2);
        for (int i = 0; i < 50; ++i)
            pool.post([&] { run_beside(pool, 8, [&](std::size_t) { ++calls; }); });
    }
    EXPECT_EQ(calls, 50 * 8);
}

TEST(RunBeside, WhatNeverRunsIsNotWaitedFor) {
    ManualLoop loop;
    int calls = 0;
    run_beside(loop, 5, [&](std::size_t) { ++calls; });
    EXPECT_EQ(calls, 5);
    EXPECT_TRUE(loop.run_until_idle());
    EXPECT_EQ(calls, 5);
}

} // namespace
} // namespace divan
