#pragma once

// Internal to crypto: what a Key is made of.

#include "crypto/quiet_errors.h"
#include "crypto/signature.h"

#include <memory>

struct evp_pkey_st; // OpenSSL's EVP_PKEY

namespace divan::crypto {

template <auto Free> struct Deleter {
    template <typename T> void operator()(T *object) const { Free(object); }
};
struct FreeKey {
    void operator()(evp_pkey_st *key) const;
};
using KeyPointer = std::unique_ptr<evp_pkey_st, FreeKey>;

// The curves of elliptic keys and of Edwards keys; `none` for the others.
enum class Curve : std::uint8_t { none, p256, p384, p521, ed25519, ed448 };

struct Key::State {
    KeyFamily family;
    Curve curve = Curve::none;
    Secret secret;         // of the family hmac
    KeyPointer public_key; // of the others
};

} // namespace divan::crypto
