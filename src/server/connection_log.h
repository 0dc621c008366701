#pragma once

// Counts what happens to connections before there is a request, and logs of it one line a minute for each
// event and address: whoever is refused may try thousands of times.

#include "net/server.h"
#include "telemetry/log.h"
#include "telemetry/metrics.h"

#include <deque>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_set>

namespace divan::server {

// Thread-safe. The services outlive it.
class ConnectionLog {
  public:
    static constexpr Millis kInterval{60'000};
    // Lines remembered. While there are so many, only the metrics tell of further addresses.
    static constexpr std::size_t kLinesMax = 10'000;

    ConnectionLog(Clock &clock, telemetry::Logger &log, telemetry::Registry &metrics)
        : clock_(clock), log_(log), metrics_(metrics) {}

    void note(net::ConnectionEvent event, const std::string &address, std::string_view detail);

  private:
    bool may_log(std::string what);

    Clock &clock_;
    telemetry::Logger &log_;
    telemetry::Registry &metrics_;
    std::mutex mutex_;
    struct Logged {
        std::chrono::nanoseconds at;
        std::string what; // event and address
    };
    std::deque<Logged> logged_; // the oldest first
    std::unordered_set<std::string> logged_recently_;
};

} // namespace divan::server
