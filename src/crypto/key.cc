#include "base/encoding.h"
#include "crypto/key_state.h"
#include "crypto/signature.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <string>

namespace divan::crypto {
namespace {

constexpr int kRsaBitsMin = 2048;
// What OpenSSL verifies; a larger key costs seconds a signature.
constexpr int kRsaBitsMax = 16384;
constexpr std::size_t kPemBytesMax = 64 * 1024;

struct CurveFacts {
    std::string_view jwk_name;
    const char *openssl_name; // of the group, or of the Edwards key
    Curve curve;
    std::size_t size; // bytes of a coordinate, or of the Edwards key
};
constexpr CurveFacts kCurves[] = {
    {"P-256", "prime256v1", Curve::p256, 32}, {"P-384", "secp384r1", Curve::p384, 48},
    {"P-521", "secp521r1", Curve::p521, 66},  {"Ed25519", "ED25519", Curve::ed25519, 32},
    {"Ed448", "ED448", Curve::ed448, 57},
};

using Bignum = std::unique_ptr<BIGNUM, Deleter<BN_free>>;
using KeyContext = std::unique_ptr<EVP_PKEY_CTX, Deleter<EVP_PKEY_CTX_free>>;

Error bad_key(std::string_view reason) {
    return {ErrorCode::bad_request, std::string(reason)};
}

Error not_valid() {
    return bad_key("Not a valid key");
}

const unsigned char *raw(std::string_view bytes) {
    return reinterpret_cast<const unsigned char *>(bytes.data());
}

const CurveFacts *curve_of(std::string_view jwk_name) {
    for (const auto &curve : kCurves)
        if (curve.jwk_name == jwk_name)
            return &curve;
    return nullptr;
}

bool is_edwards(Curve curve) {
    return curve == Curve::ed25519 || curve == Curve::ed448;
}

Result<void> check_rsa(EVP_PKEY *key) {
    auto bits = EVP_PKEY_get_bits(key);
    if (bits < kRsaBitsMin)
        return bad_key("The RSA key is too short: make one of at least 2048 bits");
    if (bits > kRsaBitsMax)
        return bad_key("The RSA key is too long: make one of at most 16384 bits");
    BIGNUM *raw_exponent = nullptr;
    bool told = EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_E, &raw_exponent) == 1;
    Bignum exponent(raw_exponent);
    // With an exponent of 1 every text is its own signature. Beyond 64 bits checking gets slow.
    if (!told || BN_is_odd(exponent.get()) != 1 || BN_is_one(exponent.get()) == 1 ||
        BN_num_bits(exponent.get()) > 64)
        return bad_key("The exponent of the RSA key is not a usual one: make a key with 65537");
    return {};
}

Result<Curve> check_ec(EVP_PKEY *key) {
    char name[64];
    std::size_t size = 0;
    KeyContext context(EVP_PKEY_CTX_new(key, nullptr));
    if (EVP_PKEY_get_group_name(key, name, sizeof name, &size) == 1)
        for (const auto &curve : kCurves)
            if (!is_edwards(curve.curve) && curve.openssl_name == std::string_view(name, size)) {
                if (context == nullptr || EVP_PKEY_public_check(context.get()) != 1)
                    return not_valid();
                return curve.curve;
            }
    return bad_key("The curve of the EC key is not known: P-256, P-384 and P-521 are");
}

// Which family and curve a public key is of; takes it if it is strong enough.
Result<std::shared_ptr<const Key::State>> adopt(KeyPointer key) {
    if (key == nullptr)
        return not_valid();
    auto state = std::make_shared<Key::State>();
    if (EVP_PKEY_is_a(key.get(), "RSA") == 1) {
        state->family = KeyFamily::rsa;
        DIVAN_TRY_VOID(check_rsa(key.get()));
    } else if (EVP_PKEY_is_a(key.get(), "EC") == 1) {
        state->family = KeyFamily::ec;
        DIVAN_TRY(state->curve, check_ec(key.get()));
    } else if (EVP_PKEY_is_a(key.get(), "ED25519") == 1 || EVP_PKEY_is_a(key.get(), "ED448") == 1) {
        state->family = KeyFamily::eddsa;
        state->curve = EVP_PKEY_is_a(key.get(), "ED448") == 1 ? Curve::ed448 : Curve::ed25519;
    } else {
        return bad_key("The key is neither RSA nor EC nor EdDSA");
    }
    state->public_key = std::move(key);
    return std::shared_ptr<const Key::State>(std::move(state));
}

// The key of one block of PEM, null if it is malformed or holds more than the key.
KeyPointer key_of_block(std::string_view name, const unsigned char *der, long size) {
    const auto *at = der;
    KeyPointer key;
    if (name == PEM_STRING_PUBLIC) {
        key.reset(d2i_PUBKEY(nullptr, &at, size));
    } else if (name == PEM_STRING_RSA_PUBLIC) {
        key.reset(d2i_PublicKey(EVP_PKEY_RSA, nullptr, &at, size));
    } else if (name == PEM_STRING_X509) {
        std::unique_ptr<X509, Deleter<X509_free>> certificate(d2i_X509(nullptr, &at, size));
        if (certificate != nullptr)
            key.reset(X509_get_pubkey(certificate.get()));
    }
    return at == der + size ? std::move(key) : nullptr;
}

// A key from the parameters of its kind, null if OpenSSL does not take them.
KeyPointer build(const char *kind, OSSL_PARAM_BLD *builder) {
    std::unique_ptr<OSSL_PARAM, Deleter<OSSL_PARAM_free>> parameters(OSSL_PARAM_BLD_to_param(builder));
    KeyContext context(EVP_PKEY_CTX_new_from_name(nullptr, kind, nullptr));
    EVP_PKEY *key = nullptr;
    if (parameters == nullptr || context == nullptr || EVP_PKEY_fromdata_init(context.get()) != 1 ||
        EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_PUBLIC_KEY, parameters.get()) != 1)
        return nullptr;
    return KeyPointer(key);
}

using Builder = std::unique_ptr<OSSL_PARAM_BLD, Deleter<OSSL_PARAM_BLD_free>>;

KeyPointer rsa_key(std::string_view modulus, std::string_view exponent) {
    Builder builder(OSSL_PARAM_BLD_new());
    Bignum n(BN_bin2bn(raw(modulus), static_cast<int>(modulus.size()), nullptr));
    Bignum e(BN_bin2bn(raw(exponent), static_cast<int>(exponent.size()), nullptr));
    DIVAN_CHECK(builder != nullptr && n != nullptr && e != nullptr);
    OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, n.get());
    OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, e.get());
    return build("RSA", builder.get());
}

KeyPointer ec_key(const CurveFacts &curve, std::string_view x, std::string_view y) {
    Builder builder(OSSL_PARAM_BLD_new());
    DIVAN_CHECK(builder != nullptr);
    auto point = std::string("\x04").append(x).append(y); // uncompressed
    OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME, curve.openssl_name, 0);
    OSSL_PARAM_BLD_push_octet_string(builder.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(), point.size());
    return build("EC", builder.get());
}

// A member of a JWK as bytes; not_valid if it is malformed, absent or longer than any key.
Result<std::string> member(std::string_view text) {
    auto bytes = text.size() > kPemBytesMax ? std::nullopt : base64_url_decode_strict(text);
    if (!bytes || bytes->empty())
        return not_valid();
    return *std::move(bytes);
}

Result<KeyPointer> public_jwk(const JwkMembers &members) {
    if (members.kty == "RSA") {
        DIVAN_TRY(auto modulus, member(members.n));
        DIVAN_TRY(auto exponent, member(members.e));
        return rsa_key(modulus, exponent);
    }
    const auto *curve = curve_of(members.crv);
    if (curve == nullptr || is_edwards(curve->curve) != (members.kty == "OKP"))
        return bad_key("The curve of the key is not known: P-256, P-384, P-521, Ed25519 and Ed448 are");
    DIVAN_TRY(auto x, member(members.x));
    if (x.size() != curve->size)
        return not_valid();
    if (is_edwards(curve->curve))
        return KeyPointer(
            EVP_PKEY_new_raw_public_key_ex(nullptr, curve->openssl_name, nullptr, raw(x), x.size()));
    DIVAN_TRY(auto y, member(members.y));
    if (y.size() != curve->size)
        return not_valid();
    return ec_key(*curve, x, y);
}

} // namespace

void FreeKey::operator()(evp_pkey_st *key) const {
    EVP_PKEY_free(key);
}

QuietErrors::QuietErrors() {
    ERR_set_mark();
}

QuietErrors::~QuietErrors() {
    ERR_pop_to_mark();
}

Result<Key> Key::from_secret(Secret secret) {
    if (secret.empty())
        return bad_key("The secret is empty");
    if (secret.reveal().find("-----BEGIN ") != std::string_view::npos)
        return bad_key("A key in PEM is no secret: name it rsa:, ec: or eddsa: instead of hmac:");
    auto state = std::make_shared<State>();
    state->family = KeyFamily::hmac;
    state->secret = std::move(secret);
    return Key(std::move(state));
}

Result<Key> Key::from_pem(std::string_view pem) {
    QuietErrors quiet;
    if (pem.size() > kPemBytesMax)
        return not_valid();
    std::unique_ptr<BIO, Deleter<BIO_free>> bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
    DIVAN_CHECK(bio != nullptr);
    char *name = nullptr, *header = nullptr;
    unsigned char *der = nullptr;
    long size = 0;
    if (PEM_read_bio(bio.get(), &name, &header, &der, &size) != 1)
        return not_valid();
    auto key = key_of_block(name, der, size);
    bool private_key = std::string_view(name).ends_with("PRIVATE KEY");
    OPENSSL_free(name);
    OPENSSL_free(header);
    OPENSSL_clear_free(der, static_cast<std::size_t>(size));
    if (private_key)
        return bad_key("This is a private key: put its public key here");
    if (PEM_read_bio(bio.get(), &name, &header, &der, &size) == 1) {
        OPENSSL_free(name);
        OPENSSL_free(header);
        OPENSSL_clear_free(der, static_cast<std::size_t>(size));
        return bad_key("There is more than one key: put one here");
    }
    DIVAN_TRY(auto state, adopt(std::move(key)));
    return Key(std::move(state));
}

Result<Key> Key::from_jwk(const JwkMembers &members) {
    QuietErrors quiet;
    if (members.kty == "oct") {
        DIVAN_TRY(auto bytes, member(members.k));
        return from_secret(Secret::take(bytes));
    }
    if (members.kty != "RSA" && members.kty != "EC" && members.kty != "OKP")
        return bad_key("The kty of the key is not known: RSA, EC, OKP and oct are");
    DIVAN_TRY(auto public_key, public_jwk(members));
    DIVAN_TRY(auto state, adopt(std::move(public_key)));
    return Key(std::move(state));
}

} // namespace divan::crypto
