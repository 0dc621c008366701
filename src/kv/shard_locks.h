#pragma once

// Locks on shards for the engines' commits: any number of shards, memory only for those held.
//
// A lock is not bound to a thread: it may be taken on one and released on another, which a mutex
// forbids. Waiters are woken together and race; a caller that needs order queues above.

#include "kv/engine.h"

#include <array>
#include <condition_variable>
#include <mutex>
#include <unordered_set>

namespace divan::kv {

// Thread-safe. Outlives every lock it gave.
class ShardLocks {
  public:
    // One held shard; releases it when destroyed.
    class Lock {
      public:
        Lock(Lock &&other) noexcept;
        Lock &operator=(Lock &&) = delete;
        ~Lock() { release(); }
        // Releases early; may be called again.
        void release();

      private:
        friend class ShardLocks;
        Lock(ShardLocks &locks, ShardId shard) : locks_(&locks), shard_(shard) {}

        ShardLocks *locks_; // null once released
        ShardId shard_;
    };

    // Waits until nobody holds the shard. A thread that already holds it waits for ever.
    [[nodiscard]] Lock lock(ShardId shard);

  private:
    // Shards are spread over stripes so that commits of different shards rarely meet.
    struct Stripe {
        std::mutex mutex;
        std::condition_variable released;
        std::unordered_set<ShardId> held;
    };

    Stripe &stripe(ShardId shard) { return stripes_[shard.value % stripes_.size()]; }
    void unlock(ShardId shard);

    std::array<Stripe, 64> stripes_;
};

} // namespace divan::kv
