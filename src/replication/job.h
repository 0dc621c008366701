#pragma once

// A job as the scheduler keeps it; for the files of the scheduler only.

#include "replication/scheduler.h"

#include <deque>
#include <utility>

namespace divan::replication {

struct Job {
    enum class Phase : std::uint8_t {
        blocked,     // the session of a job of this id that was removed has not ended yet
        pending,     // waits for a turn
        backing_off, // waits for next_start
        running,
        stopping, // has to make room
        gone,     // removed; its session ends
    };
    // Where it stands in the line of its phase: by time, then in the order of adding.
    using Key = std::pair<std::chrono::nanoseconds, std::uint64_t>;

    ReplicationId id;
    std::string text; // of the id
    Replication replication;
    std::string group; // share.h
    std::uint64_t number = 0;
    Phase phase = Phase::pending;
    Key key;
    std::vector<Scheduler::Ended> ended;
    std::deque<JobEvent> history; // newest first
    Progress progress;
    std::uint64_t failures = 0;
    std::chrono::microseconds started_on{};
    std::chrono::microseconds running_since{};
    std::chrono::microseconds next_start{};
    std::chrono::nanoseconds charged_from{}; // of its running time, monotonic
    std::string pid;
    std::shared_ptr<Cancellation> cancellation; // of its session

    [[nodiscard]] bool of_document() const { return !replication.document_database.empty(); }
};

using JobPointer = std::shared_ptr<Job>;

// A copy of how it stands. `healthy_after`: SchedulerOptions.
[[nodiscard]] JobView view_of(const Job &job, std::chrono::microseconds now, Millis healthy_after);

// Jobs of one phase in their order, by group.
class JobLines {
  public:
    void insert(const JobPointer &job) {
        lines_[job->group].emplace(job->key, job);
        ++size_;
    }
    void erase(const Job &job) {
        auto line = lines_.find(job.group);
        size_ -= line->second.erase(job.key);
        if (line->second.empty())
            lines_.erase(line);
    }
    [[nodiscard]] std::size_t size() const { return size_; }
    [[nodiscard]] bool empty() const { return size_ == 0; }
    // The first of the group with the lowest (or highest) load. REQUIRES: not empty
    [[nodiscard]] JobPointer first(const Shares &shares, bool highest) const {
        auto best = lines_.begin();
        auto best_load = shares.load(best->first);
        for (auto line = std::next(lines_.begin()); line != lines_.end(); ++line) {
            auto load = shares.load(line->first);
            bool better = highest ? load > best_load : load < best_load;
            bool longer = load == best_load && line->second.begin()->first < best->second.begin()->first;
            if (better || longer) {
                best = line;
                best_load = load;
            }
        }
        return best->second.begin()->second;
    }
    template <typename Visit> void each(Visit visit) const {
        for (const auto &[group, line] : lines_)
            for (const auto &[key, job] : line)
                visit(job);
    }

  private:
    std::map<std::string, std::map<Job::Key, JobPointer>> lines_;
    std::size_t size_ = 0;
};

} // namespace divan::replication
