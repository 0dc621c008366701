#pragma once

// The private half of a key: what this server signs with.

#include "base/result.h"

#include <memory>
#include <string>
#include <string_view>

namespace divan::crypto {

// Immutable; copies share the key. Thread-safe.
class SigningKey {
  public:
    // One block of PEM, not encrypted: an RSA key of 2,048 to 16,384 bits. Errors: bad_request with a reason
    // that does not show the key.
    [[nodiscard]] static Result<SigningKey> from_pem(std::string_view pem);

    // RSASSA-PKCS1-v1_5 with SHA-256.
    [[nodiscard]] std::string sign_rs256(std::string_view message) const;

    struct State;

  private:
    explicit SigningKey(std::shared_ptr<const State> state) : state_(std::move(state)) {}

    std::shared_ptr<const State> state_;
};

} // namespace divan::crypto
