#include "base/run_beside.h"

#include <atomic>
#include <memory>

namespace divan {
namespace {

struct Shared {
    const std::size_t count;
    // Valid until all calls have ended; who finds none left does not touch it.
    const std::function<void(std::size_t)> *work;
    std::atomic<std::size_t> next = 0;
    std::mutex mutex;
    std::condition_variable all_ended;
    std::size_t ended = 0; // guarded by mutex

    void run() {
        for (auto i = next++; i < count; i = next++) {
            (*work)(i);
            std::lock_guard lock(mutex);
            if (++ended == count)
                all_ended.notify_all();
        }
    }
};

} // namespace

void run_beside(Executor &pool, std::size_t count, const std::function<void(std::size_t)> &work) {
    auto shared = std::make_shared<Shared>(count, &work);
    for (std::size_t i = 1; i < count; ++i)
        pool.post([shared] { shared->run(); });
    shared->run();
    std::unique_lock lock(shared->mutex);
    shared->all_ended.wait(lock, [&] { return shared->ended == count; });
}

} // namespace divan
