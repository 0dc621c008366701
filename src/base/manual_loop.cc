#include "base/manual_loop.h"

namespace divan {

class ManualLoop::ManualTimer final : public EventLoop::Timer {
  public:
    ManualTimer(ManualLoop &loop, Key key) : loop_(loop), key_(key) {}
    ~ManualTimer() override {
        // The work may own what destroys other timers: it goes when the map is whole again.
        if (auto node = loop_.timers_.extract(key_); !node.empty())
            auto work = std::move(node.mapped());
    }

  private:
    ManualLoop &loop_;
    Key key_;
};

ManualLoop::~ManualLoop() {
    // What is dropped may own timers of this loop.
    while (take())
        ;
    while (!timers_.empty())
        auto node = timers_.extract(timers_.begin());
}

void ManualLoop::post(UniqueFunction<void()> work) {
    std::lock_guard lock(mutex_);
    queue_.push_back(std::move(work));
    posted_.notify_all();
}

std::unique_ptr<EventLoop::Timer> ManualLoop::after(Millis delay, UniqueFunction<void()> work) {
    Key key{clock_.now() + std::max(delay, Millis(0)), ++timers_made_};
    timers_.emplace(key, std::move(work));
    return std::make_unique<ManualTimer>(*this, key);
}

std::optional<UniqueFunction<void()>> ManualLoop::take() {
    std::lock_guard lock(mutex_);
    if (queue_.empty())
        return std::nullopt;
    std::optional<UniqueFunction<void()>> work(std::move(queue_.front()));
    queue_.pop_front();
    return work;
}

bool ManualLoop::run_until_idle(std::size_t steps_max) {
    for (std::size_t step = 0; step < steps_max; ++step) {
        auto work = take();
        if (!work)
            return true;
        (*work)();
    }
    return false;
}

void ManualLoop::advance(Millis by) {
    auto end = clock_.now() + by;
    run_until_idle();
    while (!timers_.empty() && timers_.begin()->first.first <= end) {
        auto node = timers_.extract(timers_.begin());
        clock_.advance(std::max(std::chrono::microseconds(0), node.key().first - clock_.now()));
        node.mapped()();
        run_until_idle();
    }
    clock_.advance(std::max(std::chrono::microseconds(0), end - clock_.now()));
}

bool ManualLoop::wait_for_post(Millis timeout) {
    std::unique_lock lock(mutex_);
    return posted_.wait_for(lock, timeout, [this] { return !queue_.empty(); });
}

} // namespace divan
