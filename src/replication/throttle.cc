#include "replication/throttle.h"

#include <algorithm>

namespace divan::replication {
namespace {

// As couch_replicator_rate_limiter: up to 25 s between requests, from 100 ms on.
constexpr double kPauseFirstMs = 100;
constexpr double kPauseMaxMs = 25'000;
constexpr double kPauseGrowth = 1.5;
constexpr double kPauseShrinkage = 0.75;
constexpr double kPauseLeastMs = 10;
// A host that asks for more is asked again after this all the same.
constexpr Millis kRetryAfterMax{120'000};

} // namespace

Millis ByteBudget::book(std::uint64_t bytes) {
    if (rate_ == 0)
        return Millis(0);
    constexpr auto kBurst = std::chrono::nanoseconds(std::chrono::seconds(1));
    auto now = loop_.clock().monotonic();
    free_at_ = std::max(free_at_, now - kBurst);
    free_at_ += std::chrono::nanoseconds(
        static_cast<std::int64_t>(static_cast<double>(bytes) / static_cast<double>(rate_) * 1e9));
    if (free_at_ <= now)
        return Millis(0);
    return std::chrono::ceil<Millis>(free_at_ - now);
}

Millis HostPace::pause() const {
    auto asked = std::chrono::ceil<Millis>(not_before_ - loop_.clock().monotonic());
    return std::max(Millis(static_cast<std::int64_t>(pause_ms_)), asked);
}

void HostPace::refused(Millis retry_after) {
    auto now = loop_.clock().monotonic();
    not_before_ = std::max(not_before_, now + std::min(retry_after, kRetryAfterMax));
    // Requests that were under way together are refused together: that is one sign.
    if (pause_ms_ > 0 && now - slowed_at_ < std::chrono::milliseconds(static_cast<std::int64_t>(pause_ms_)))
        return;
    slowed_at_ = now;
    pause_ms_ = std::max(kPauseFirstMs, std::min(pause_ms_ * kPauseGrowth, kPauseMaxMs));
}

void HostPace::answered() {
    pause_ms_ = pause_ms_ < kPauseLeastMs ? 0 : pause_ms_ * kPauseShrinkage;
}

std::shared_ptr<HostPace> Throttle::pace(const std::string &host) {
    std::erase_if(paces_, [](const auto &entry) { return entry.second.expired(); });
    auto pace = paces_[host].lock();
    if (!pace) {
        pace = std::make_shared<HostPace>(loop_);
        paces_[host] = pace;
    }
    return pace;
}

} // namespace divan::replication
