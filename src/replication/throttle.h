#pragma once

// How fast requests go out: a budget of bytes for each job and for the node, and fewer requests at once to a
// host that answers 429.
//
// Used on the replication loop only.

#include "base/event_loop.h"

#include <cstdint>
#include <map>
#include <memory>
#include <string>

namespace divan::replication {

// A token bucket that holds a second's worth. Who takes more than is there waits until the debt is paid, so
// that long bodies are spread and nobody is starved: waiters are served in turn, a chunk each.
class ByteBudget {
  public:
    // 0 = no limit.
    ByteBudget(EventLoop &loop, std::uint64_t bytes_per_second) : loop_(loop), rate_(bytes_per_second) {}

    void set_rate(std::uint64_t bytes_per_second) { rate_ = bytes_per_second; }
    [[nodiscard]] bool limited() const { return rate_ > 0; }
    // Books bytes that were moved and says for how long the next ones must wait.
    [[nodiscard]] Millis book(std::uint64_t bytes);

  private:
    EventLoop &loop_;
    std::uint64_t rate_;
    std::chrono::nanoseconds free_at_{}; // when the debt is paid
};

// The pause between requests to one host: grows by half with every 429, shrinks by a step with every answer
// that is none (additive increase, multiplicative decrease of the rate).
class HostPace {
  public:
    [[nodiscard]] Millis pause() const { return Millis(static_cast<std::int64_t>(pause_ms_)); }
    // `retry_after`: what the host asked for, 0 = nothing.
    void refused(Millis retry_after);
    void answered();

  private:
    double pause_ms_ = 0;
};

// What all jobs of the node share.
class Throttle {
  public:
    Throttle(EventLoop &loop, std::uint64_t bytes_per_second) : budget_(loop, bytes_per_second) {}

    [[nodiscard]] ByteBudget &budget() { return budget_; }
    // "host:port"; kept while somebody holds it.
    [[nodiscard]] std::shared_ptr<HostPace> pace(const std::string &host);

  private:
    ByteBudget budget_;
    std::map<std::string, std::weak_ptr<HostPace>> paces_;
};

} // namespace divan::replication
