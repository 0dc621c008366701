#pragma once

// Which databases a migration that follows looks at now: those whose sequence moved, and those that failed,
// after a pause that doubles. Pure: the time is passed in.

#include "cli/migration_plan.h"

#include <chrono>
#include <map>
#include <string>
#include <vector>

namespace divan::cli {

class FollowSchedule {
  public:
    using Seconds = std::chrono::duration<double>;

    explicit FollowSchedule(Seconds pause_first, Seconds pause_max = Seconds(300))
        : pause_first_(pause_first), pause_max_(pause_max) {}

    // Copied as far as `facts` told, or failed; `whole`: with its settings. Of one that could not be looked
    // at, `facts` has the name.
    void ended(const DatabaseFacts &facts, bool whole, bool ok, Seconds now);
    [[nodiscard]] bool is_due(const DatabaseFacts &facts, Seconds now) const;
    // Whether it was made and has its settings.
    [[nodiscard]] bool is_known(const std::string &name) const;
    [[nodiscard]] std::uint64_t failing() const;
    // Forgets all but these; returns what it forgets.
    std::vector<std::string> keep_only(const std::vector<std::string> &names);

  private:
    struct State {
        std::string sequence;
        bool whole = false;
        std::uint64_t failures = 0; // in a row
        Seconds next{};
    };
    const Seconds pause_first_;
    const Seconds pause_max_;
    std::map<std::string, State> states_;
};

} // namespace divan::cli
