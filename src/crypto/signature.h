#pragma once

// Signatures of JSON Web Signature (RFC 7515, 7518, 8037), checked with keys that know what they are for.
//
// A key belongs to one family, and elliptic curves to one algorithm each, so that the sender of a token
// cannot choose how a key is read: an RSA key is never the secret of an HMAC (CVE-2015-9235).

#include "base/result.h"
#include "crypto/secret.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

namespace divan::crypto {

enum class SignatureAlgorithm : std::uint8_t {
    hs256,
    hs384,
    hs512,
    rs256,
    rs384,
    rs512,
    ps256,
    ps384,
    ps512,
    es256,
    es384,
    es512,
    eddsa,
};

enum class KeyFamily : std::uint8_t { hmac, rsa, ec, eddsa };

// By the `alg` of JWS, in its case; nullopt for every other text, `none` among them.
[[nodiscard]] std::optional<SignatureAlgorithm> signature_algorithm(std::string_view name);
[[nodiscard]] KeyFamily key_family(SignatureAlgorithm algorithm);
// "hmac", "rsa", "ec", "eddsa".
[[nodiscard]] std::string_view key_family_name(KeyFamily family);
[[nodiscard]] std::optional<KeyFamily> key_family(std::string_view name);

// The members of a JSON Web Key (RFC 7517) that matter, as they stand there; empty = absent.
struct JwkMembers {
    std::string_view kty; // RSA, EC, OKP, oct
    std::string_view crv; // P-256, P-384, P-521; Ed25519, Ed448
    std::string_view n, e;
    std::string_view x, y;
    std::string_view k;
};

// What signatures are checked with: an HMAC's secret or a public key. Immutable; copies share the key.
// Thread-safe.
class Key {
  public:
    // The makers refuse, with bad_request and a reason that does not show the key, what is malformed and what
    // is too weak.

    // An empty secret is refused, and a text in PEM: that is a public key in the wrong place.
    [[nodiscard]] static Result<Key> from_secret(Secret secret);
    // One block, and nothing but it: PUBLIC KEY, RSA PUBLIC KEY or CERTIFICATE. Of a certificate only the key
    // is used; neither its dates nor who signed it are looked at. RSA takes 2,048 to 16,384 bits, EC the
    // curves P-256, P-384 and P-521, EdDSA Ed25519 and Ed448.
    [[nodiscard]] static Result<Key> from_pem(std::string_view pem);
    // The same limits. Base64url without padding, coordinates of the curve's full size.
    [[nodiscard]] static Result<Key> from_jwk(const JwkMembers &members);

    [[nodiscard]] KeyFamily family() const;
    // Whether the algorithm is one for this key: of its family, and of its curve if it is EC.
    [[nodiscard]] bool fits(SignatureAlgorithm algorithm) const;
    // Whether the bytes are this key's signature of the message; false if the algorithm does not fit. ES*
    // takes r||s, each as long as the curve, as JWS has it, and no DER. PS* takes a salt as long as its hash.
    [[nodiscard]] bool verify(SignatureAlgorithm algorithm, std::string_view message,
                              std::string_view signature) const;

    struct State; // defined where OpenSSL is known

  private:
    explicit Key(std::shared_ptr<const State> state) : state_(std::move(state)) {}

    std::shared_ptr<const State> state_;
};

} // namespace divan::crypto
