#pragma once

// Fair turns: which group of jobs is next, and which one has to make room. A group is a `_replicator`
// database, or the jobs of `_replicate` of one user.
//
// As couch_replicator_share.erl intends: groups with more shares run more, in proportion; how many jobs a
// group has gets it nothing; what it used is forgotten by and by. A group's load is the time that its jobs
// ran lately, those that run now counted for a whole interval, over its shares. The lowest load is next, the
// highest makes room.

#include "base/clock.h"

#include <map>
#include <string>

namespace divan::replication {

struct ShareOptions {
    Millis interval{60'000};
    double usage_kept = 0.5;                     // after each interval: [replicator] usage_coeff
    std::map<std::string, std::uint64_t> shares; // by group; others have 100
};

class Shares {
  public:
    void set_options(ShareOptions options) { options_ = std::move(options); }

    void job_started(const std::string &group) { ++groups_[group].running; }
    // It ran in the interval that has begun for so long; once for each job_started().
    void job_stopped(const std::string &group, std::chrono::nanoseconds ran);
    // A running job ran in the interval that ends.
    void charge(const std::string &group, std::chrono::nanoseconds ran);
    // Ends `intervals` intervals: old use is forgotten.
    void decay(std::uint64_t intervals);
    [[nodiscard]] double load(const std::string &group) const;

  private:
    struct Group {
        double used = 0;    // seconds, with those forgotten left out
        double charged = 0; // seconds in this interval
        std::size_t running = 0;
    };
    [[nodiscard]] double seconds(std::chrono::nanoseconds ran) const;

    ShareOptions options_;
    std::map<std::string, Group> groups_; // those that run or have run lately
};

} // namespace divan::replication
