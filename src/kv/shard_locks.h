#pragma once

// One lock a shard, held from begin() to finish(): possibly taken on one thread and released on
// another, so it is a set behind a mutex. Memory is bounded by what is held at once.

#include "kv/engine.h"

#include <condition_variable>
#include <mutex>
#include <unordered_set>

namespace divan::kv {

class ShardLocks {
  public:
    void lock(ShardId shard) {
        std::unique_lock lock(mutex_);
        released_.wait(lock, [&] { return !held_.contains(shard.value); });
        held_.insert(shard.value);
    }

    void unlock(ShardId shard) {
        {
            std::lock_guard lock(mutex_);
            held_.erase(shard.value);
        }
        released_.notify_all();
    }

  private:
    std::mutex mutex_;
    std::condition_variable released_;
    std::unordered_set<std::uint32_t> held_;
};

} // namespace divan::kv
