#include "cli/follow_schedule.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <string_view>

namespace divan::cli {

void FollowSchedule::ended(const DatabaseFacts &facts, bool whole, bool ok, Seconds now) {
    auto &state = states_[facts.name];
    if (ok) {
        state.sequence = facts.update_seq;
        state.whole |= whole;
        state.failures = 0;
        return;
    }
    state.next = now + std::min(pause_max_, pause_first_ * std::exp2(static_cast<double>(state.failures)));
    ++state.failures;
}

bool FollowSchedule::is_due(const DatabaseFacts &facts, Seconds now) const {
    auto found = states_.find(facts.name);
    if (found == states_.end())
        return true;
    const auto &state = found->second;
    return state.failures > 0 ? now >= state.next : state.sequence != facts.update_seq;
}

bool FollowSchedule::is_known(const std::string &name) const {
    auto found = states_.find(name);
    return found != states_.end() && found->second.whole;
}

std::uint64_t FollowSchedule::failing() const {
    return static_cast<std::uint64_t>(std::count_if(
        states_.begin(), states_.end(), [](const auto &entry) { return entry.second.failures > 0; }));
}

std::vector<std::string> FollowSchedule::keep_only(const std::vector<std::string> &names) {
    std::vector<std::string> forgotten;
    std::set<std::string_view> kept(names.begin(), names.end());
    for (auto at = states_.begin(); at != states_.end();) {
        if (kept.contains(at->first)) {
            ++at;
            continue;
        }
        forgotten.push_back(at->first);
        at = states_.erase(at);
    }
    return forgotten;
}

} // namespace divan::cli
