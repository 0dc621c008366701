#pragma once

// Passwords that were found right, so that the slow hash is computed once and not with every request, and a
// directory is asked now and then only.

#include "base/random.h"

#include <chrono>
#include <list>
#include <map>
#include <mutex>
#include <string>
#include <string_view>

namespace divan::access {

// Holds keyed hashes only, under a key that lives as long as the process. A password is remembered together
// with what it was checked against (a stored hash): a changed one is forgotten at once. Thread-safe.
class VerifiedLogins {
  public:
    explicit VerifiedLogins(Random &random) : key_(random.bytes(32)) {}

    // `now`: monotonic.
    [[nodiscard]] bool contains(std::string_view name, std::string_view password, std::string_view against,
                                std::chrono::nanoseconds now);
    // Until `until`; forgets the least recently used beyond `entries_max`.
    void remember(std::string_view name, std::string_view password, std::string_view against,
                  std::chrono::nanoseconds until, std::size_t entries_max);

  private:
    struct Entry {
        std::string fingerprint;
        std::chrono::nanoseconds until{};
    };
    using Entries = std::list<Entry>; // most recently used first
    [[nodiscard]] std::string fingerprint(std::string_view name, std::string_view password,
                                          std::string_view against) const;

    const std::string key_;
    std::mutex mutex_;
    Entries entries_;
    std::map<std::string, Entries::iterator> known_;
};

inline constexpr std::chrono::nanoseconds kForever = std::chrono::nanoseconds::max();

} // namespace divan::access
