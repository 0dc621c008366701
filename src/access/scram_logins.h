#pragma once

// Logins by SCRAM-SHA-256 (RFC 7804): two requests, in which the password does not travel. The verifier of a
// user follows from the stored hash, PBKDF2 with SHA-256: users whose passwords came in an older form have it
// once they have logged in with their password, which hashes it anew.

#include "access/scram_http.h"
#include "access/user.h"
#include "base/clock.h"
#include "base/random.h"
#include "crypto/scram.h"

#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

namespace divan::config {
class Config;
}

namespace divan::access {

// Logins that have begun wait here, a bounded number for a bounded time. Thread-safe.
class ScramLogins {
  public:
    // All outlive it.
    ScramLogins(const config::Config &config, Clock &clock, Random &random)
        : config_(config), clock_(clock), random_(random) {}

    // The challenge to answer 401 with. `user` may be null: the challenge tells nobody.
    // Errors: service_unavailable: too many have begun.
    [[nodiscard]] Result<std::string> begin(crypto::ScramClientFirst first, const User *user);

    struct Begun {
        std::string name;
        std::string salt; // of the user, when it began; empty: there was none
        crypto::ScramServer server;
    };
    // The login of that id, once. nullopt: there is none (any more).
    [[nodiscard]] std::optional<Begun> take(const std::string &session_id);

  private:
    struct Waiting {
        Begun begun;
        std::chrono::nanoseconds until{}; // monotonic
    };

    const config::Config &config_;
    Clock &clock_;
    Random &random_;
    std::mutex mutex_;
    std::map<std::string, Waiting> waiting_; // by session id
};

// The verifier of a stored password; nullopt: it is hashed in another way.
[[nodiscard]] std::optional<crypto::ScramVerifier> scram_verifier_of(const User &user);

} // namespace divan::access
