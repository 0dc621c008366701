#pragma once

// Password hashes in the text forms that CouchDB writes into [admins]:
//   -pbkdf2:sha256-<hex>,<salt>,<iterations>   (CouchDB 3.4 and later; also sha, sha224, sha384, sha512)
//   -pbkdf2-<hex>,<salt>,<iterations>          (PBKDF2 with SHA-1)
//   -hashed-<hex>,<salt>                       (SHA-1 of password and salt)

#include <cstdint>
#include <string>
#include <string_view>

namespace divan::crypto {

// The newest form. Slow on purpose: cost grows with `iterations`.
[[nodiscard]] std::string hash_password(std::string_view password, std::string_view salt,
                                        std::uint32_t iterations);
// Whether a text begins like one of these: a damaged one is no password, but one that nobody has.
[[nodiscard]] bool is_hashed(std::string_view text);
// Whether a password is the one of a hashed text; false for a malformed text. As slow as the text says.
[[nodiscard]] bool verify_password(std::string_view text, std::string_view password);
// The salt of a hashed text; empty if it is malformed.
[[nodiscard]] std::string_view password_salt(std::string_view text);

} // namespace divan::crypto
