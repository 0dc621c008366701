#pragma once

// One-time passwords: HOTP (RFC 4226) and TOTP (RFC 6238), as authenticator apps make them and CouchDB takes
// them (couch_totp). Thread-safe: pure functions.

#include "base/result.h"
#include "crypto/digest.h"
#include "crypto/secret.h"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace divan::crypto {

// The defaults are CouchDB's, and what every app can do. CouchDB knows no other period.
struct TotpParameters {
    HashFunction function = HashFunction::sha1;
    unsigned digits = 6;
    std::chrono::seconds period{30}; // > 0
};

inline constexpr unsigned kTotpDigitsMin = 6;
inline constexpr unsigned kTotpDigitsMax = 8;

// REQUIRES: kTotpDigitsMin <= digits <= kTotpDigitsMax.
[[nodiscard]] std::string hotp(HashFunction function, std::string_view key, std::uint64_t counter,
                               unsigned digits);

// Compares a code with those of the present time step and of `steps` around it (CouchDB: 1), all of them in
// the same time wherever they differ. Returns the newest step whose code this is. RFC 6238, 5.2: a code is
// valid once, so the caller keeps the step and refuses what is not newer. `now` is since the Unix epoch.
[[nodiscard]] std::optional<std::uint64_t> verify_totp(const TotpParameters &parameters, std::string_view key,
                                                       std::string_view code, std::chrono::microseconds now,
                                                       unsigned steps = 1);

// The otpauth:// URI (Key URI Format of Google Authenticator) that a QR code shows to an app. `key` is the
// raw key. Errors: bad_request for a colon in the issuer or the account, which separates them, and for empty
// ones.
[[nodiscard]] Result<Secret> totp_uri(const TotpParameters &parameters, std::string_view key,
                                      std::string_view issuer, std::string_view account);

} // namespace divan::crypto
