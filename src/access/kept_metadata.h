#pragma once

// What an identity provider says of itself, read when it is first needed and kept.

#include "base/event_loop.h"
#include "base/result.h"
#include "telemetry/log.h"

#include <chrono>
#include <memory>
#include <optional>
#include <string>

namespace divan::access {

// On its loop. One reading at a time, for all who wait; one that fails changes nothing for a day, and is not
// tried again at once.
template <typename T> class KeptMetadata {
  public:
    KeptMetadata(EventLoop &loop, telemetry::Logger &log) : loop_(loop), log_(log), waiting_(loop) {}

    // `source`: everything that decides what is read; with another one it is read anew. `reading` runs if it
    // is due. Errors: those of `reading`, which are logged.
    Task<Result<std::shared_ptr<const T>>> get(std::string source, std::chrono::nanoseconds refresh_interval,
                                               Task<Result<T>> reading) {
        while (reading_)
            co_await waiting_.wait();
        auto begun_at = now();
        bool known = current_ != nullptr && source == source_ && begun_at - read_at_ < kKeptMax;
        if (known && begun_at - read_at_ < refresh_interval)
            co_return current_;
        if (failure_ && source == failed_source_ && begun_at - failed_at_ < kFailurePause) {
            if (known)
                co_return current_;
            co_return *failure_;
        }
        reading_ = true;
        auto read = co_await std::move(reading);
        reading_ = false;
        waiting_.wake_all();
        if (read.ok()) {
            failure_.reset();
            source_ = std::move(source);
            current_ = std::make_shared<const T>(std::move(*read));
            read_at_ = begun_at;
            co_return current_;
        }
        log_.warning(read.error().reason());
        failure_ = read.error();
        failed_source_ = std::move(source);
        failed_at_ = now();
        if (known)
            co_return current_; // it has served well
        co_return read.error();
    }

    // What was read last, whether it is due or not; null: nothing of that source.
    [[nodiscard]] std::shared_ptr<const T> current(const std::string &source) const {
        return source == source_ ? current_ : nullptr;
    }

  private:
    // A provider that cannot be read is not asked again before.
    static constexpr Millis kFailurePause{2'000};
    // Its keys may have been revoked meanwhile.
    static constexpr Millis kKeptMax{86'400'000};

    [[nodiscard]] std::chrono::nanoseconds now() const { return loop_.clock().monotonic(); }

    EventLoop &loop_;
    telemetry::Logger &log_;
    WaitLine waiting_;
    bool reading_ = false;
    std::string source_;
    std::shared_ptr<const T> current_;
    std::chrono::nanoseconds read_at_{}; // monotonic, as those below
    std::optional<Error> failure_;       // of the last reading
    std::string failed_source_;
    std::chrono::nanoseconds failed_at_{};
};

} // namespace divan::access
