#pragma once

// Passwords that were found right, so that the slow hash is computed once and not with every request.

#include "base/random.h"
#include "crypto/password.h"

#include <list>
#include <map>
#include <mutex>
#include <string>
#include <string_view>

namespace divan::access {

// Holds keyed hashes only, under a key that lives as long as the process. A password is remembered together
// with the stored hash that it was checked against: a changed one is forgotten at once. Thread-safe.
class VerifiedLogins {
  public:
    explicit VerifiedLogins(Random &random) : key_(random.bytes(32)) {}

    [[nodiscard]] bool contains(std::string_view name, std::string_view password,
                                const crypto::PasswordHash &hash);
    // Forgets the least recently used beyond `entries_max`.
    void remember(std::string_view name, std::string_view password, const crypto::PasswordHash &hash,
                  std::size_t entries_max);

  private:
    [[nodiscard]] std::string fingerprint(std::string_view name, std::string_view password,
                                          const crypto::PasswordHash &hash) const;

    const std::string key_;
    std::mutex mutex_;
    std::list<std::string> order_; // most recently used first
    std::map<std::string, std::list<std::string>::iterator> known_;
};

} // namespace divan::access
