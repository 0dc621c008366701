#pragma once

// Passwords as they are stored: hashed slowly, in every form that CouchDB has written so far, so that admins
// and users move here with the passwords that they have.
//
// Text forms of [admins]:
//   -pbkdf2:sha256-<hex>,<salt>,<iterations>   (CouchDB 3.4 and later; also sha, sha224, sha384, sha512)
//   -pbkdf2-<hex>,<salt>,<iterations>          (PBKDF2 with SHA-1)
//   -hashed-<hex>,<salt>                       (SHA-1 of password and salt)
// Documents of `_users` hold the same in members of their own: access/user.h.
//
// Thread-safe.

#include "crypto/digest.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace divan::crypto {

struct PasswordHash {
    enum class Scheme : std::uint8_t {
        simple,        // SHA-1 of password and salt
        pbkdf2,        // RFC 8018; the salt is its text
        simple_pbkdf2, // PBKDF2 of the hex digits of `simple`: old hashes made slow without their passwords
    };
    Scheme scheme = Scheme::pbkdf2;
    HashFunction prf = HashFunction::sha256; // inside PBKDF2
    std::uint32_t iterations = 0;
    std::string salt;
    std::string key; // raw bytes: the hash
    friend bool operator==(const PasswordHash &, const PasswordHash &) = default;
};

// Scheme pbkdf2. Slow on purpose: cost grows with `iterations`. REQUIRES: iterations > 0.
[[nodiscard]] PasswordHash hash_password(std::string_view password, std::string salt,
                                         std::uint32_t iterations, HashFunction prf = HashFunction::sha256);
// Whether a password is the one of a hash. As slow as the hash says.
[[nodiscard]] bool verify_password(const PasswordHash &hash, std::string_view password);

// REQUIRES: not scheme simple_pbkdf2, which has no text form.
[[nodiscard]] std::string password_hash_text(const PasswordHash &hash);
// Whether a text begins like one of these: a damaged one is no password, but one that nobody has.
[[nodiscard]] bool is_hashed(std::string_view text);
// nullopt for a malformed text.
[[nodiscard]] std::optional<PasswordHash> parse_password_hash(std::string_view text);

// A hash that asks for more would stop the server.
inline constexpr std::uint32_t kIterationsMax = 100'000'000;

} // namespace divan::crypto
