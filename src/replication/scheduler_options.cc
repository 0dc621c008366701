#include "config/config.h"
#include "replication/scheduler.h"

#include <algorithm>
#include <charconv>
#include <cmath>

namespace divan::replication {

SchedulerOptions scheduler_options(const config::Config &config) {
    auto number = [&](std::string_view key) { return config.integer("replicator", key); };
    SchedulerOptions options;
    options.max_jobs = static_cast<std::size_t>(number("max_jobs"));
    options.interval = Millis(number("interval"));
    options.max_churn = static_cast<std::size_t>(number("max_churn"));
    options.startup_jitter_max = Millis(number("startup_jitter"));
    options.history_events_max = static_cast<std::size_t>(number("max_history"));
    options.back_off_first = Millis(number("retry_delay") * 1'000);
    options.back_off_factor = config.decimal("replicator", "backoff_factor");
    options.back_off_max = Millis(number("max_delay") * 1'000);
    options.failures_max = static_cast<std::uint64_t>(number("max_retries"));
    options.healthy_after = Millis(number("health_threshold") * 1'000);
    options.usage_kept = config.decimal("replicator", "usage_coeff");
    for (const auto &[group, text] : config.section("replicator.shares")) {
        std::uint64_t shares = 0;
        auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), shares);
        if (error == std::errc())
            options.shares[group] = shares;
    }
    return options;
}

Millis back_off(const SchedulerOptions &options, std::uint64_t failures) {
    auto doublings = std::min<std::uint64_t>(failures - std::min<std::uint64_t>(failures, 1),
                                             options.history_events_max / 2);
    auto time = static_cast<double>(options.back_off_first.count()) *
                std::pow(options.back_off_factor, static_cast<double>(doublings));
    auto longest = static_cast<double>(options.back_off_max.count());
    return Millis(static_cast<Millis::rep>(std::min(time, longest)));
}

} // namespace divan::replication
