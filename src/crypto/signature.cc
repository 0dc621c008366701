#include "crypto/signature.h"

#include "crypto/digest.h"
#include "crypto/key_state.h"

#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <string>

namespace divan::crypto {
namespace {

struct Algorithm {
    std::string_view name;
    SignatureAlgorithm algorithm;
    KeyFamily family;
    HashFunction hash;       // EdDSA brings its own
    Curve curve;             // of EC
    std::size_t scalar_size; // of EC: bytes of r and of s
};

using enum SignatureAlgorithm;
// In the order of the enumeration.
constexpr Algorithm kAlgorithms[] = {
    {"HS256", hs256, KeyFamily::hmac, HashFunction::sha256, Curve::none, 0},
    {"HS384", hs384, KeyFamily::hmac, HashFunction::sha384, Curve::none, 0},
    {"HS512", hs512, KeyFamily::hmac, HashFunction::sha512, Curve::none, 0},
    {"RS256", rs256, KeyFamily::rsa, HashFunction::sha256, Curve::none, 0},
    {"RS384", rs384, KeyFamily::rsa, HashFunction::sha384, Curve::none, 0},
    {"RS512", rs512, KeyFamily::rsa, HashFunction::sha512, Curve::none, 0},
    {"PS256", ps256, KeyFamily::rsa, HashFunction::sha256, Curve::none, 0},
    {"PS384", ps384, KeyFamily::rsa, HashFunction::sha384, Curve::none, 0},
    {"PS512", ps512, KeyFamily::rsa, HashFunction::sha512, Curve::none, 0},
    {"ES256", es256, KeyFamily::ec, HashFunction::sha256, Curve::p256, 32},
    {"ES384", es384, KeyFamily::ec, HashFunction::sha384, Curve::p384, 48},
    {"ES512", es512, KeyFamily::ec, HashFunction::sha512, Curve::p521, 66},
    {"EdDSA", eddsa, KeyFamily::eddsa, HashFunction::sha512, Curve::none, 0},
};
constexpr std::string_view kFamilies[] = {"hmac", "rsa", "ec", "eddsa"};

const Algorithm &facts(SignatureAlgorithm algorithm) {
    return kAlgorithms[static_cast<std::size_t>(algorithm)];
}

const EVP_MD *digest_kind(HashFunction hash) {
    return hash == HashFunction::sha256   ? EVP_sha256()
           : hash == HashFunction::sha384 ? EVP_sha384()
                                          : EVP_sha512();
}

const unsigned char *raw(std::string_view bytes) {
    return reinterpret_cast<const unsigned char *>(bytes.data());
}

// What OpenSSL takes for a signature of ECDSA; empty if the size is not the curve's.
std::string der_of(std::string_view signature, std::size_t scalar_size) {
    if (signature.size() != 2 * scalar_size)
        return {};
    auto size = static_cast<int>(scalar_size);
    std::unique_ptr<ECDSA_SIG, Deleter<ECDSA_SIG_free>> pair(ECDSA_SIG_new());
    auto *r = BN_bin2bn(raw(signature), size, nullptr);
    auto *s = BN_bin2bn(raw(signature.substr(scalar_size)), size, nullptr);
    DIVAN_CHECK(pair != nullptr && r != nullptr && s != nullptr);
    DIVAN_CHECK(ECDSA_SIG_set0(pair.get(), r, s) == 1); // owns both now
    auto length = i2d_ECDSA_SIG(pair.get(), nullptr);
    DIVAN_CHECK(length > 0);
    std::string der(static_cast<std::size_t>(length), '\0');
    auto *out = reinterpret_cast<unsigned char *>(der.data());
    DIVAN_CHECK(i2d_ECDSA_SIG(pair.get(), &out) == length);
    return der;
}

bool verify_public(const Algorithm &algorithm, EVP_PKEY *key, std::string_view message,
                   std::string_view signature) {
    QuietErrors quiet;
    std::unique_ptr<EVP_MD_CTX, Deleter<EVP_MD_CTX_free>> context(EVP_MD_CTX_new());
    DIVAN_CHECK(context != nullptr);
    EVP_PKEY_CTX *options = nullptr; // the context's
    const auto *digest = algorithm.family == KeyFamily::eddsa ? nullptr : digest_kind(algorithm.hash);
    if (EVP_DigestVerifyInit(context.get(), &options, digest, nullptr, key) != 1)
        return false;
    bool pss = algorithm.name.starts_with("PS");
    if (pss && (EVP_PKEY_CTX_set_rsa_padding(options, RSA_PKCS1_PSS_PADDING) != 1 ||
                EVP_PKEY_CTX_set_rsa_pss_saltlen(options, RSA_PSS_SALTLEN_DIGEST) != 1))
        return false;
    std::string der;
    if (algorithm.family == KeyFamily::ec) {
        der = der_of(signature, algorithm.scalar_size);
        if (der.empty())
            return false;
        signature = der;
    }
    return EVP_DigestVerify(context.get(), raw(signature), signature.size(), raw(message), message.size()) ==
           1;
}

} // namespace

std::optional<SignatureAlgorithm> signature_algorithm(std::string_view name) {
    for (const auto &algorithm : kAlgorithms)
        if (algorithm.name == name)
            return algorithm.algorithm;
    return std::nullopt;
}

KeyFamily key_family(SignatureAlgorithm algorithm) {
    return facts(algorithm).family;
}

std::string_view key_family_name(KeyFamily family) {
    return kFamilies[static_cast<std::size_t>(family)];
}

std::optional<KeyFamily> key_family(std::string_view name) {
    for (std::size_t i = 0; i < std::size(kFamilies); ++i)
        if (kFamilies[i] == name)
            return static_cast<KeyFamily>(i);
    return std::nullopt;
}

KeyFamily Key::family() const {
    return state_->family;
}

bool Key::fits(SignatureAlgorithm algorithm) const {
    const auto &known = facts(algorithm);
    return known.family == state_->family && (known.family != KeyFamily::ec || known.curve == state_->curve);
}

bool Key::verify(SignatureAlgorithm algorithm, std::string_view message, std::string_view signature) const {
    if (!fits(algorithm))
        return false;
    const auto &known = facts(algorithm);
    if (known.family == KeyFamily::hmac)
        return constant_time_equal(hmac(known.hash, state_->secret.reveal(), message), signature);
    return verify_public(known, state_->public_key.get(), message, signature);
}

} // namespace divan::crypto
