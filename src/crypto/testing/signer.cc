#include "crypto/testing/signer.h"

#include "base/encoding.h"
#include "crypto/digest.h"
#include "crypto/key_state.h"

#include <charconv>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

namespace divan::crypto {
namespace {

KeyPointer generate(std::string_view kind) {
    if (kind.starts_with("rsa")) {
        unsigned bits = 2048;
        if (kind.size() > 4)
            std::from_chars(kind.data() + 4, kind.data() + kind.size(), bits);
        return KeyPointer(EVP_RSA_gen(bits));
    }
    if (kind.starts_with("P-") || kind == "secp256k1")
        return KeyPointer(EVP_EC_gen(std::string(kind).c_str()));
    return KeyPointer(EVP_PKEY_Q_keygen(nullptr, nullptr, std::string(kind).c_str()));
}

std::string number(const EVP_PKEY *key, const char *name, int size = 0) {
    BIGNUM *value = nullptr;
    DIVAN_CHECK(EVP_PKEY_get_bn_param(key, name, &value) == 1);
    std::string bytes(static_cast<std::size_t>(size == 0 ? BN_num_bytes(value) : size), '\0');
    BN_bn2binpad(value, reinterpret_cast<unsigned char *>(bytes.data()), static_cast<int>(bytes.size()));
    BN_free(value);
    return base64_url_encode(bytes);
}

std::string text_of(BIO *bio) {
    char *data = nullptr;
    auto size = BIO_get_mem_data(bio, &data);
    std::string text(data, static_cast<std::size_t>(size));
    BIO_free(bio);
    return text;
}

HashFunction hash_of(SignatureAlgorithm algorithm) {
    switch (algorithm) {
    case SignatureAlgorithm::hs256:
    case SignatureAlgorithm::rs256:
    case SignatureAlgorithm::ps256:
    case SignatureAlgorithm::es256:
        return HashFunction::sha256;
    case SignatureAlgorithm::hs384:
    case SignatureAlgorithm::rs384:
    case SignatureAlgorithm::ps384:
    case SignatureAlgorithm::es384:
        return HashFunction::sha384;
    default:
        return HashFunction::sha512;
    }
}

} // namespace

struct Signer::State {
    std::string kind;
    std::string secret;
    KeyPointer key;
};

Signer::Signer(std::string_view kind) : state_(std::make_unique<State>()) {
    state_->kind = kind;
    if (kind == "hmac")
        state_->secret = "a secret of tests that has more than 64 bytes, so that every HMAC is content";
    else
        state_->key = generate(kind);
    DIVAN_CHECK(kind == "hmac" || state_->key != nullptr);
}

Signer::~Signer() = default;
Signer::Signer(Signer &&) noexcept = default;

std::string Signer::sign_raw(SignatureAlgorithm algorithm, std::string_view message) const {
    if (state_->key == nullptr)
        return hmac(hash_of(algorithm), state_->secret, message);
    return sign_public(algorithm, message, RSA_PSS_SALTLEN_DIGEST);
}

std::string Signer::sign_pss(SignatureAlgorithm algorithm, std::string_view message, int salt_bytes) const {
    return sign_public(algorithm, message, salt_bytes);
}

std::string Signer::sign_public(SignatureAlgorithm algorithm, std::string_view message,
                                int salt_bytes) const {
    auto hash = hash_of(algorithm);
    std::unique_ptr<EVP_MD_CTX, Deleter<EVP_MD_CTX_free>> context(EVP_MD_CTX_new());
    EVP_PKEY_CTX *options = nullptr;
    const auto *digest = algorithm == SignatureAlgorithm::eddsa ? nullptr
                         : hash == HashFunction::sha256         ? EVP_sha256()
                         : hash == HashFunction::sha384         ? EVP_sha384()
                                                                : EVP_sha512();
    DIVAN_CHECK(EVP_DigestSignInit(context.get(), &options, digest, nullptr, state_->key.get()) == 1);
    if (algorithm >= SignatureAlgorithm::ps256 && algorithm <= SignatureAlgorithm::ps512) {
        EVP_PKEY_CTX_set_rsa_padding(options, RSA_PKCS1_PSS_PADDING);
        EVP_PKEY_CTX_set_rsa_pss_saltlen(options, salt_bytes);
    }
    std::string out(4096, '\0');
    auto size = out.size();
    DIVAN_CHECK(EVP_DigestSign(context.get(), reinterpret_cast<unsigned char *>(out.data()), &size,
                               reinterpret_cast<const unsigned char *>(message.data()), message.size()) == 1);
    out.resize(size);
    return out;
}

std::string Signer::sign(SignatureAlgorithm algorithm, std::string_view message) const {
    auto signature = sign_raw(algorithm, message);
    if (algorithm < SignatureAlgorithm::es256 || algorithm > SignatureAlgorithm::es512)
        return signature;
    const auto *at = reinterpret_cast<const unsigned char *>(signature.data());
    std::unique_ptr<ECDSA_SIG, Deleter<ECDSA_SIG_free>> pair(
        d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(signature.size())));
    std::size_t size = algorithm == SignatureAlgorithm::es256   ? 32
                       : algorithm == SignatureAlgorithm::es384 ? 48
                                                                : 66;
    std::string out(2 * size, '\0');
    auto *bytes = reinterpret_cast<unsigned char *>(out.data());
    BN_bn2binpad(ECDSA_SIG_get0_r(pair.get()), bytes, static_cast<int>(size));
    BN_bn2binpad(ECDSA_SIG_get0_s(pair.get()), bytes + size, static_cast<int>(size));
    return out;
}

std::string Signer::token(SignatureAlgorithm algorithm, std::string_view header,
                          std::string_view payload) const {
    auto message = base64_url_encode(header) + "." + base64_url_encode(payload);
    return message + "." + base64_url_encode(sign(algorithm, message));
}

const std::string &Signer::secret() const {
    return state_->secret;
}

std::string Signer::public_pem() const {
    auto *bio = BIO_new(BIO_s_mem());
    PEM_write_bio_PUBKEY(bio, state_->key.get());
    return text_of(bio);
}

std::string Signer::private_pem() const {
    auto *bio = BIO_new(BIO_s_mem());
    PEM_write_bio_PrivateKey(bio, state_->key.get(), nullptr, nullptr, 0, nullptr, nullptr);
    return text_of(bio);
}

std::map<std::string, std::string> Signer::jwk() const {
    const auto *key = state_->key.get();
    if (key == nullptr)
        return {{"kty", "oct"}, {"k", base64_url_encode(state_->secret)}};
    if (state_->kind.starts_with("rsa"))
        return {{"kty", "RSA"},
                {"n", number(key, OSSL_PKEY_PARAM_RSA_N)},
                {"e", number(key, OSSL_PKEY_PARAM_RSA_E)}};
    if (state_->kind.starts_with("P-")) {
        int size = state_->kind == "P-256" ? 32 : state_->kind == "P-384" ? 48 : 66;
        return {{"kty", "EC"},
                {"crv", state_->kind},
                {"x", number(key, OSSL_PKEY_PARAM_EC_PUB_X, size)},
                {"y", number(key, OSSL_PKEY_PARAM_EC_PUB_Y, size)}};
    }
    std::string bytes(57, '\0');
    auto size = bytes.size();
    EVP_PKEY_get_raw_public_key(key, reinterpret_cast<unsigned char *>(bytes.data()), &size);
    bytes.resize(size);
    return {{"kty", "OKP"}, {"crv", state_->kind}, {"x", base64_url_encode(bytes)}};
}

Key Signer::public_key() const {
    if (state_->key == nullptr)
        return Key::from_secret(Secret(state_->secret)).value();
    return Key::from_pem(public_pem()).value();
}

JwkMembers members_of(const std::map<std::string, std::string> &jwk) {
    auto member = [&jwk](const char *name) {
        auto found = jwk.find(name);
        return found == jwk.end() ? std::string_view() : std::string_view(found->second);
    };
    return {member("kty"), member("crv"), member("n"), member("e"), member("x"), member("y"), member("k")};
}

} // namespace divan::crypto
