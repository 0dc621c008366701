#include "replication/share.h"

#include <algorithm>
#include <cmath>

namespace divan::replication {
namespace {

constexpr std::uint64_t kDefaultShares = 100;
constexpr std::uint64_t kSharesMax = 1'000;
constexpr double kForgotten = 1e-3; // seconds

} // namespace

double Shares::seconds(std::chrono::nanoseconds ran) const {
    // As in CouchDB: nothing counts for more than one interval.
    auto counted = std::clamp(ran, std::chrono::nanoseconds(0), std::chrono::nanoseconds(options_.interval));
    return std::chrono::duration<double>(counted).count();
}

void Shares::job_stopped(const std::string &group, std::chrono::nanoseconds ran) {
    auto &state = groups_[group];
    state.charged += seconds(ran);
    if (state.running > 0)
        --state.running;
}

void Shares::charge(const std::string &group, std::chrono::nanoseconds ran) {
    groups_[group].charged += seconds(ran);
}

void Shares::decay(std::uint64_t intervals) {
    if (intervals == 0)
        return;
    auto kept = std::pow(options_.usage_kept, static_cast<double>(intervals));
    for (auto at = groups_.begin(); at != groups_.end();) {
        auto &group = at->second;
        group.used = group.used * kept + group.charged;
        group.charged = 0;
        bool forgotten = group.used < kForgotten && group.running == 0;
        at = forgotten ? groups_.erase(at) : std::next(at);
    }
}

double Shares::load(const std::string &group) const {
    auto shares = options_.shares.find(group);
    auto divisor = std::clamp<std::uint64_t>(
        shares == options_.shares.end() ? kDefaultShares : shares->second, 1, kSharesMax);
    auto found = groups_.find(group);
    if (found == groups_.end())
        return 0;
    const auto &state = found->second;
    auto ahead =
        static_cast<double>(state.running) * std::chrono::duration<double>(options_.interval).count();
    return (state.used + state.charged + ahead) / static_cast<double>(divisor);
}

} // namespace divan::replication
