#pragma once

// The engine pool of a node: its work runs on the loop, each piece at once or some milliseconds later, so
// that pieces overtake each other as they do on threads.

#include "base/event_loop.h"
#include "simulation/dice.h"

#include <map>
#include <memory>

namespace divan::simulation {

class SimulatedPool final : public Executor {
  public:
    SimulatedPool(EventLoop &loop, Dice dice) : loop_(loop), dice_(std::move(dice)) {}

    void post(UniqueFunction<void()> work) override {
        auto number = ++posted_;
        auto delay = dice_.percent(50) ? Millis(0) : dice_.between(Millis(0), Millis(4));
        timers_[number] = loop_.after(delay, [this, number, work = std::move(work)]() mutable {
            auto spent = std::move(timers_.at(number));
            work();
            timers_.erase(number);
        });
    }
    // Pieces that have not ended.
    [[nodiscard]] std::size_t pending() const { return timers_.size(); }

  private:
    EventLoop &loop_;
    Dice dice_;
    std::uint64_t posted_ = 0;
    std::map<std::uint64_t, std::unique_ptr<EventLoop::Timer>> timers_;
};

} // namespace divan::simulation
