#pragma once

// What is out of the ordinary, found in observations as they come. Pure: no I/O, no clock, no threads of its
// own; the same observations with the same options give the same events.
//
//   failed_logins, refusals  `threshold` of them of one name, or from one address, within a sliding window
//   many_reads               a user reads more in an hour than `factor` times its average, and than a floor
//   new_address              a login of a user from an address that is not among those known of it
//
// A subject, which is a name or an address, has one event of a kind within a window; the next one says in
// `suppressed` how many there would have been meanwhile.
//
// Memory: at most Options::subjects_max windows of names and addresses, and as many users whose password was
// right or who have read something; those not seen longest go first. They are apart from each other, so that
// names which somebody makes up displace nothing that is known of users.

#include "anomaly/event.h"
#include "anomaly/observation.h"
#include "anomaly/options.h"
#include "anomaly/recent_table.h"

#include <deque>
#include <string>
#include <vector>

namespace divan::anomaly {

// One thread at a time.
class Detector {
  public:
    // Times may come a little out of order. An observation that is older than a whole window before the one
    // before it begins the window anew: the clock was put back.
    [[nodiscard]] std::vector<Event> observe(const Observation &observation, const Options &options);
    // The same of the past: nothing is raised for it, and every address of a login is known from then on.
    void learn(const Observation &observation, const Options &options);

    [[nodiscard]] std::size_t window_count() const { return windows_.size(); }
    [[nodiscard]] std::size_t user_count() const { return users_.size(); }

  private:
    using Time = std::chrono::microseconds;
    enum class Subject : std::uint8_t { name, address };

    struct Quiet {
        Time since = Time::min();
        std::uint64_t suppressed = 0;

        // Whether an event is held back, which is counted. Otherwise the time begins anew.
        bool holds_back(Time now, std::chrono::seconds window, std::uint64_t &suppressed_before);
    };
    struct Window {
        std::deque<Time> times;          // the newest, at most `threshold`
        std::deque<std::string> samples; // the newest different ones of what the evidence shows
        Quiet quiet;
    };
    struct Reads {
        std::int64_t hour = -1; // since the epoch; what follows is of it
        std::uint64_t requests = 0;
        std::uint64_t bytes = 0;
        bool raised = false;
        std::uint64_t suppressed = 0;
        // Of the hours before in which something was read.
        std::uint64_t hours = 0;
        double average_requests = 0;
        double average_bytes = 0;
    };
    struct User {
        Reads reads;
        std::deque<std::string> addresses; // the newest last
        Quiet quiet;                       // of new addresses
    };

    void count(Kind kind, Subject by, const Observation &observation, const Options &options,
               std::vector<Event> &events);
    void count_reads(const Observation &observation, const Options &options, std::vector<Event> &events);
    static void begin_hour(Reads &reads, std::int64_t hour, const ReadsOptions &options);
    void log_in(const Observation &observation, const Options &options, bool learning,
                std::vector<Event> &events);
    std::vector<Event> look(const Observation &observation, const Options &options, bool learning);

    RecentTable<Window> windows_;
    RecentTable<User> users_;
};

} // namespace divan::anomaly
