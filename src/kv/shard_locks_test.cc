#include "kv/shard_locks.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

namespace divan::kv {
namespace {

TEST(ShardLocks, AdmitOneHolderOfAShard) {
    ShardLocks locks;
    int counter = 0; // guarded by the lock of shard 7
    std::vector<std::thread> threads;
    for (int thread = 0; thread < 4; ++thread)
        threads.emplace_back([&] {
            for (int i = 0; i < 2'000; ++i) {
                auto lock = locks.lock(ShardId(7));
                ++counter;
            }
        });
    for (auto &thread : threads)
        thread.join();
    EXPECT_EQ(counter, 8'000);
}

TEST(ShardLocks, LetDifferentShardsBeHeldTogether) {
    ShardLocks locks;
    auto first = locks.lock(ShardId(1));
    auto same_stripe = locks.lock(ShardId(65));
    auto another_stripe = locks.lock(ShardId(2));
}

TEST(ShardLocks, MayBeReleasedOnAnotherThread) {
    ShardLocks locks;
    auto lock = locks.lock(ShardId(1));
    std::atomic<bool> released = false;
    std::thread other([&released, moved = std::move(lock)]() mutable {
        released = true;
        moved.release();
        moved.release();
    });
    auto again = locks.lock(ShardId(1));
    EXPECT_TRUE(released);
    other.join();
}

} // namespace
} // namespace divan::kv
