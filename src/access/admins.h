#pragma once

// The server admins: names and hashed passwords in [admins].

#include "base/random.h"
#include "base/result.h"
#include "config/config.h"
#include "crypto/password.h"

#include <atomic>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace divan::access {

// How new passwords are hashed, by the settings. `salt` empty: a new one. Slow on purpose.
[[nodiscard]] crypto::PasswordHash make_password_hash(const config::Config &config, Random &random,
                                                      std::string_view password, std::string salt = {});

// Whether a password is one that everybody tries first.
[[nodiscard]] bool is_known_default_password(std::string_view name, std::string_view password);

// Thread-safe.
class Admins {
  public:
    // Both outlive it.
    Admins(config::Config &config, Random &random) : config_(config), random_(random) {}

    // The text that is stored for an admin, the same object until it changes; empty: there is none of that
    // name.
    [[nodiscard]] crypto::SharedSecret find(std::string_view name) const {
        return config_.secret("admins", name);
    }
    [[nodiscard]] bool any() const { return !config_.section("admins").empty(); }

    // Whether others than this machine can reach the server; then known default passwords are refused.
    void set_exposed(bool exposed) { exposed_ = exposed; }
    // The text to store for an admin whose password is given in plain text. Slow on purpose.
    // Errors: bad_request for no password, for a known default one if the server is exposed, and for one
    // that the password policy refuses.
    [[nodiscard]] Result<std::string> admin_text(std::string_view name, std::string_view password);
    // Hashes the passwords of [admins] that were written in plain text. Errors: as admin_text.
    // Returns the names of those whose password is a known default.
    [[nodiscard]] Result<std::vector<std::string>> hash_plain_admins();

  private:
    config::Config &config_;
    Random &random_;
    std::atomic<bool> exposed_ = false;
};

} // namespace divan::access
