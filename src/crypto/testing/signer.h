#pragma once

// Keys that sign: the private halves of what crypto::Key checks.

#include "crypto/signature.h"

#include <map>
#include <memory>
#include <string>
#include <string_view>

namespace divan::crypto {

class Signer {
  public:
    // Makes a key: "hmac", "rsa" (of 2,048 bits), "rsa:BITS", or a curve by its name in a JWK.
    explicit Signer(std::string_view kind);
    ~Signer();
    Signer(Signer &&) noexcept;

    // The signature in the form of JWS. REQUIRES: an algorithm of the key's family.
    [[nodiscard]] std::string sign(SignatureAlgorithm algorithm, std::string_view message) const;
    // As OpenSSL makes it: DER if the key is EC.
    [[nodiscard]] std::string sign_raw(SignatureAlgorithm algorithm, std::string_view message) const;
    // With a salt of PS* that is not as long as its hash. REQUIRES: an RSA key.
    [[nodiscard]] std::string sign_pss(SignatureAlgorithm algorithm, std::string_view message,
                                       int salt_bytes) const;
    // header.payload.signature, with the algorithm's signature whatever the header says.
    [[nodiscard]] std::string token(SignatureAlgorithm algorithm, std::string_view header,
                                    std::string_view payload) const;

    [[nodiscard]] const std::string &secret() const; // of "hmac"
    [[nodiscard]] std::string public_pem() const;
    [[nodiscard]] std::string private_pem() const;
    // The members of the public JWK by their names, kty among them.
    [[nodiscard]] std::map<std::string, std::string> jwk() const;
    [[nodiscard]] Key public_key() const;

  private:
    [[nodiscard]] std::string sign_public(SignatureAlgorithm algorithm, std::string_view message,
                                          int salt_bytes) const;

    struct State;
    std::unique_ptr<State> state_;
};

// The view of such members that Key::from_jwk takes.
[[nodiscard]] JwkMembers members_of(const std::map<std::string, std::string> &jwk);

} // namespace divan::crypto
