#include "kv/shard_locks.h"

namespace divan::kv {

ShardLocks::Lock::Lock(Lock &&other) noexcept
    : locks_(std::exchange(other.locks_, nullptr)), shard_(other.shard_) {}

void ShardLocks::Lock::release() {
    if (auto *locks = std::exchange(locks_, nullptr))
        locks->unlock(shard_);
}

ShardLocks::Lock ShardLocks::lock(ShardId shard) {
    auto &home = stripe(shard);
    std::unique_lock guard(home.mutex);
    home.released.wait(guard, [&] { return !home.held.contains(shard); });
    home.held.insert(shard);
    return {*this, shard};
}

void ShardLocks::unlock(ShardId shard) {
    auto &home = stripe(shard);
    {
        std::lock_guard guard(home.mutex);
        home.held.erase(shard);
    }
    home.released.notify_all();
}

} // namespace divan::kv
