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
    // Books bytes that were moved and says for how long the next ones must wait.
    [[nodiscard]] Millis book(std::uint64_t bytes);

  private:
    EventLoop &loop_;
    std::uint64_t rate_;
    std::chrono::nanoseconds free_at_{}; // when the debt is paid
};

// The pause before requests to one host: half as long again with every 429, a quarter shorter with every
// other answer, so that its rate falls at once and comes back by and by.
class HostPace {
  public:
    explicit HostPace(EventLoop &loop) : loop_(loop) {}

    // How long the next request must wait.
    [[nodiscard]] Millis pause() const;
    // `retry_after`: for how long the host asks to be left alone, 0 = it does not say.
    void refused(Millis retry_after);
    void answered();

  private:
    EventLoop &loop_;
    double pause_ms_ = 0;
    std::chrono::nanoseconds slowed_at_{};  // when the pause grew last
    std::chrono::nanoseconds not_before_{}; // what the host asked for
};

// What all jobs of the node share.
class Throttle {
  public:
    Throttle(EventLoop &loop, std::uint64_t bytes_per_second)
        : loop_(loop), budget_(loop, bytes_per_second) {}

    [[nodiscard]] ByteBudget &budget() { return budget_; }
    // "host:port"; kept while somebody holds it.
    [[nodiscard]] std::shared_ptr<HostPace> pace(const std::string &host);

  private:
    EventLoop &loop_;
    ByteBudget budget_;
    std::map<std::string, std::weak_ptr<HostPace>> paces_;
};

} // namespace divan::replication
