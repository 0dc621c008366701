#pragma once

// Time as a dependency: production passes the system's clock, tests a ManualClock.

#include <atomic>
#include <chrono>
#include <cstdint>
#include <string>

namespace divan {

using Millis = std::chrono::milliseconds;

class Clock {
  public:
    virtual ~Clock() = default;
    // Wall-clock time since the Unix epoch. May jump.
    [[nodiscard]] virtual std::chrono::microseconds now() const = 0;
    // Never goes back; for durations.
    [[nodiscard]] virtual std::chrono::nanoseconds monotonic() const = 0;
};

class SystemClock final : public Clock {
  public:
    [[nodiscard]] std::chrono::microseconds now() const override;
    [[nodiscard]] std::chrono::nanoseconds monotonic() const override;
};

class ManualClock final : public Clock {
  public:
    [[nodiscard]] std::chrono::microseconds now() const override {
        return std::chrono::microseconds(micros_.load());
    }
    [[nodiscard]] std::chrono::nanoseconds monotonic() const override { return now(); }
    void advance(std::chrono::microseconds by) { micros_ += by.count(); }

  private:
    std::atomic<std::int64_t> micros_ = 1'700'000'000'000'000;
};

// RFC 1123, as HTTP dates are written: "Tue, 24 Nov 2026 13:00:00 GMT".
[[nodiscard]] std::string http_date(std::chrono::microseconds time);
// RFC 3339 in UTC with seconds: "2026-11-24T13:00:00Z".
[[nodiscard]] std::string rfc3339(std::chrono::microseconds time);

} // namespace divan
