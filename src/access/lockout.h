#pragma once

// Who failed to log in too often is not listened to for a while. Counted by address and name together, so
// that nobody can lock others out from afar, and by address alone, so that one address cannot try one
// password on all names. Source: couch_auth_lockout; the settings are those of [chttpd_auth_lockout].

#include "base/clock.h"
#include "config/config.h"

#include <list>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace divan::access {

class Lockout {
  public:
    // Both outlive it.
    Lockout(const config::Config &config, Clock &clock) : config_(config), clock_(clock) {}

    enum class Verdict : std::uint8_t { free, warned, name_locked, address_locked };
    // `salt` of the stored password: a new password unlocks.
    [[nodiscard]] Verdict check(std::string_view address, std::string_view name, std::string_view salt);
    void failed(std::string_view address, std::string_view name, std::string_view salt);
    // Forgets the failures of the name from that address.
    void succeeded(std::string_view address, std::string_view name, std::string_view salt);

    struct Locked {
        std::string address;
        std::string name; // empty: every name from that address
        std::chrono::nanoseconds remaining{};
    };
    [[nodiscard]] std::vector<Locked> list();
    // Of a name from everywhere. Returns how many locks were opened.
    std::size_t unlock(std::string_view name);

  private:
    struct Entry {
        std::string address;
        std::string name;
        std::string salt;
        std::chrono::nanoseconds first{}; // failure; monotonic
        std::int64_t failures = 0;
    };
    using Entries = std::list<Entry>; // most recent first failure first
    static std::string key(std::string_view address, std::string_view name, std::string_view salt);
    // REQUIRES: the mutex. Null if there are no failures that still count.
    Entry *find(const std::string &key);
    void count(std::string_view address, std::string_view name, std::string_view salt);
    [[nodiscard]] std::string mode() const;
    [[nodiscard]] std::chrono::nanoseconds lifetime() const;
    [[nodiscard]] bool expired(const Entry &entry) const;
    void erase(Entries::iterator entry);

    const config::Config &config_;
    Clock &clock_;
    std::mutex mutex_;
    Entries entries_;
    std::map<std::string, Entries::iterator> by_key_;
};

} // namespace divan::access
