#pragma once

// One block of AES-256 (FIPS 197): a keyed permutation of 16 bytes, for short opaque tokens. Not for
// messages: equal blocks give equal ones.

#include "crypto/secret.h"

#include <array>

namespace divan::crypto {

using Block = std::array<char, 16>;

// Thread-safe.
class BlockCipher {
  public:
    explicit BlockCipher(Secret key); // REQUIRES: 32 bytes

    [[nodiscard]] Block encrypt(const Block &block) const;
    [[nodiscard]] Block decrypt(const Block &block) const;

  private:
    [[nodiscard]] Block run(const Block &block, bool encrypt) const;

    Secret key_;
};

} // namespace divan::crypto
