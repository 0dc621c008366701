#pragma once

// Addresses whose requests are refused for a time. In memory only: a start of the server begins with none.
//
// Thread-safe.

#include "anomaly/options.h"
#include "base/result.h"

#include <atomic>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace divan::anomaly {

class BlockedAddresses {
  public:
    // `clock` outlives it.
    explicit BlockedAddresses(const Clock &clock) : clock_(clock) {}

    struct Block {
        std::string address; // canonical (RFC 5952)
        Kind kind = Kind::failed_logins;
        std::string event;                // its id
        std::chrono::nanoseconds until{}; // monotonic
        std::chrono::nanoseconds remaining{};
    };
    // From now on for BlockOptions::time; one that is blocked already from now on again. Errors: forbidden,
    // with the reason: the address is exempt, there are as many as there may be, or it is no IP address.
    [[nodiscard]] Result<void> block(std::string_view address, Kind kind, std::string event,
                                     const BlockOptions &options);
    // How long requests of the address are refused; nullopt: they are not. Costs nothing while there are no
    // blocks.
    [[nodiscard]] std::optional<std::chrono::nanoseconds> remaining(std::string_view address) const;
    // Those that have not ended, by address.
    [[nodiscard]] std::vector<Block> list() const;

    // Each ends once: by remove(), or by take_ended(). nullopt: it is not blocked.
    [[nodiscard]] std::optional<Block> remove(std::string_view address);
    [[nodiscard]] std::vector<Block> take_ended();
    [[nodiscard]] std::vector<Block> take_all();
    // Until the next one ends; nullopt: there is none.
    [[nodiscard]] std::optional<std::chrono::nanoseconds> until_next_end() const;

  private:
    std::vector<Block> take(std::chrono::nanoseconds ended_at);

    const Clock &clock_;
    mutable std::mutex mutex_;
    std::map<std::string, Block, std::less<>> by_address_;
    std::atomic<std::size_t> count_ = 0;
};

} // namespace divan::anomaly
