#pragma once

// Watches what happens on a server: hands observations to the detector, events to the audit log, the server's
// log and the metrics, and does what the settings ask for. All of that on a thread of its own; who observes
// never waits for it.
//
//   observe(), count_read() -> queue -> detector -> event -> audit log -> actions -> audit log
//
// Every action is recorded as the event is, with the event's id; so is the end of a block.
//
// Thread-safe.

#include "anomaly/blocked_addresses.h"
#include "anomaly/options.h"
#include "audit/record.h"
#include "base/clock.h"
#include "base/random.h"
#include "base/result.h"

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace divan::audit {
class Log;
}
namespace divan::telemetry {
class Logger;
class Registry;
} // namespace divan::telemetry

namespace divan::anomaly {

// What can be done to users. Called on the thread of the watch, may block.
class Accounts {
  public:
    virtual ~Accounts() = default;
    // Sets what an admin sets to lock an account, and who has it locked takes back. Returns when it is
    // durable. Errors: why it could not be done.
    virtual Result<void> lock(const std::string &name) = 0;
    // Cookies of the user from before are not accepted any more. Errors: the same.
    virtual Result<void> end_sessions(const std::string &name) = 0;
};

class Watch {
  public:
    // All outlive it.
    struct Services {
        const Clock &clock;
        Random &random;
        telemetry::Logger &log;
        telemetry::Registry &metrics;
        audit::Log &audit;
        Accounts &accounts;
    };
    // Learns from the newest records of the audit log before it looks at what comes. Blocks until what is
    // queued in the log is chained.
    Watch(const Services &services, std::shared_ptr<const Options> options);
    ~Watch(); // stops

    void set_options(std::shared_ptr<const Options> options);

    // A record that is made, whether or not the log keeps it. Passes over those of no interest. Never
    // blocks; an observation that finds the queue full is lost, and counted.
    void observe(const audit::Record &record);
    // A request that read documents, and the bytes of its answer. Never blocks, and allocates nothing for a
    // user who has read a moment ago. Nobody's reads are not counted.
    void count_read(std::string_view principal, std::string_view address, std::uint64_t bytes);

    // Whether requests of the address are served. Never blocks. Errors: forbidden, with for how long; it is
    // counted.
    [[nodiscard]] Result<void> admit(std::string_view address);
    [[nodiscard]] std::vector<BlockedAddresses::Block> blocked_addresses() const;
    // Ends a block, which the caller records. nullopt: it is not blocked.
    [[nodiscard]] std::optional<BlockedAddresses::Block> unblock(std::string_view address);

    // Looks at what is left, records the end of all blocks, and ends the threads. What comes later is passed
    // over. Idempotent.
    void stop();

  private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

// What tells which block it was, for the details of a record: {"address", "anomaly", "event"}.
[[nodiscard]] json::Object block_details(const BlockedAddresses::Block &block);

} // namespace divan::anomaly
