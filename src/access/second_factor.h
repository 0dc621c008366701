#pragma once

// The second factor of a login: one-time passwords of an app (TOTP, RFC 6238), as CouchDB 3.4 has them in
// documents of users, and codes for the day on which the app is gone.
//
//   "totp": {"key": "<base32>", "algorithm": "sha", "length": 6, "recovery_codes": ["<sha256>", ...]}
//
// CouchDB knows no recovery codes and passes over them.

#include "access/user.h"
#include "base/clock.h"
#include "base/random.h"
#include "crypto/secret.h"
#include "crypto/totp.h"

#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace divan::access {

[[nodiscard]] bool has_second_factor(const User &user);

// A key that is not yet the user's: it becomes so with the first code that is made with it.
struct Enrolment {
    std::string key; // base32, for apps without a camera
    std::string uri; // otpauth://, for a QR code
};

// Thread-safe.
class SecondFactors {
  public:
    // Both outlive it.
    SecondFactors(Clock &clock, Random &random) : clock_(clock), random_(random) {}

    // Whether the token is a code of now, or one of the recovery codes: then `used` is the document without
    // it, which must be stored before the login counts. A code is right once.
    [[nodiscard]] bool verify(const User &user, std::string_view token, std::optional<json::Object> &used);

    // Makes a key for the user, which waits for confirm() for ten minutes. `issuer`: who asks for codes, as
    // the app shows it.
    [[nodiscard]] Result<Enrolment> enrol(const std::string &name, std::string_view issuer);
    // What confirm() found.
    struct Confirmed {
        json::Object document; // the user's, with the second factor
        std::vector<std::string> recovery_codes;
    };
    // Errors: bad_request: no key waits, or the token was not made with it.
    [[nodiscard]] Result<Confirmed> confirm(const User &user, std::string_view token);

  private:
    struct Waiting {
        crypto::Secret key;
        std::chrono::nanoseconds until{}; // monotonic
    };
    // Whether the code of this step was not used before; notes it.
    bool use_step(const std::string &name, std::uint64_t step);

    Clock &clock_;
    Random &random_;
    std::mutex mutex_;
    std::map<std::string, std::uint64_t> used_steps_; // the newest, by name
    std::map<std::string, Waiting> waiting_;          // by name
};

} // namespace divan::access
