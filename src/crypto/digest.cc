#include "crypto/digest.h"

#include "base/check.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <utility>

namespace divan::crypto {
namespace {

std::string digest(const EVP_MD *kind, std::string_view bytes) {
    std::string out(static_cast<std::size_t>(EVP_MD_get_size(kind)), '\0');
    unsigned size = 0;
    DIVAN_CHECK(EVP_Digest(bytes.data(), bytes.size(), reinterpret_cast<unsigned char *>(out.data()), &size,
                           kind, nullptr) == 1);
    return out;
}

std::string hmac(const EVP_MD *kind, std::string_view key, std::string_view bytes) {
    std::string out(static_cast<std::size_t>(EVP_MD_get_size(kind)), '\0');
    unsigned size = 0;
    DIVAN_CHECK(HMAC(kind, key.data(), static_cast<int>(key.size()),
                     reinterpret_cast<const unsigned char *>(bytes.data()), bytes.size(),
                     reinterpret_cast<unsigned char *>(out.data()), &size) != nullptr);
    return out;
}

const EVP_MD *kind_of(HashFunction function) {
    switch (function) {
    case HashFunction::sha1:
        return EVP_sha1();
    case HashFunction::sha224:
        return EVP_sha224();
    case HashFunction::sha256:
        return EVP_sha256();
    case HashFunction::sha384:
        return EVP_sha384();
    case HashFunction::sha512:
        break;
    }
    return EVP_sha512();
}

constexpr std::pair<std::string_view, HashFunction> kHashFunctions[] = {
    {"sha", HashFunction::sha1},      {"sha224", HashFunction::sha224}, {"sha256", HashFunction::sha256},
    {"sha384", HashFunction::sha384}, {"sha512", HashFunction::sha512},
};

} // namespace

std::optional<HashFunction> hash_function(std::string_view name) {
    for (const auto &[known, function] : kHashFunctions)
        if (name == known)
            return function;
    return std::nullopt;
}

std::string_view hash_function_name(HashFunction function) {
    return kHashFunctions[static_cast<std::size_t>(function)].first;
}

std::string hash(HashFunction function, std::string_view bytes) {
    return digest(kind_of(function), bytes);
}

std::string md5(std::string_view bytes) {
    return digest(EVP_md5(), bytes);
}

std::string sha1(std::string_view bytes) {
    return digest(EVP_sha1(), bytes);
}

std::string sha256(std::string_view bytes) {
    return digest(EVP_sha256(), bytes);
}

std::string hmac_sha1(std::string_view key, std::string_view bytes) {
    return hmac(EVP_sha1(), key, bytes);
}

std::string hmac_sha256(std::string_view key, std::string_view bytes) {
    return hmac(EVP_sha256(), key, bytes);
}

std::string hmac(HashFunction function, std::string_view key, std::string_view bytes) {
    return hmac(kind_of(function), key, bytes);
}

std::string pbkdf2(HashFunction function, std::string_view password, std::string_view salt,
                   std::uint32_t iterations) {
    const auto *kind = kind_of(function);
    std::string out(static_cast<std::size_t>(EVP_MD_get_size(kind)), '\0');
    DIVAN_CHECK(PKCS5_PBKDF2_HMAC(password.data(), static_cast<int>(password.size()),
                                  reinterpret_cast<const unsigned char *>(salt.data()),
                                  static_cast<int>(salt.size()), static_cast<int>(iterations), kind,
                                  static_cast<int>(out.size()),
                                  reinterpret_cast<unsigned char *>(out.data())) == 1);
    return out;
}

bool constant_time_equal(std::string_view a, std::string_view b) {
    return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

struct Md5::State {
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    ~State() { EVP_MD_CTX_free(context); }
};

Md5::Md5() : state_(std::make_unique<State>()) {
    DIVAN_CHECK(EVP_DigestInit_ex(state_->context, EVP_md5(), nullptr) == 1);
}

Md5::~Md5() = default;

void Md5::update(std::string_view bytes) {
    DIVAN_CHECK(EVP_DigestUpdate(state_->context, bytes.data(), bytes.size()) == 1);
}

std::string Md5::finish() {
    std::string out(16, '\0');
    DIVAN_CHECK(EVP_DigestFinal_ex(state_->context, reinterpret_cast<unsigned char *>(out.data()), nullptr) ==
                1);
    return out;
}

std::string openssl_version() {
    return OpenSSL_version(OPENSSL_VERSION_STRING);
}

} // namespace divan::crypto
