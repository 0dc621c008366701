#include "crypto/hmac.h"

#include "base/check.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>

namespace divan::crypto {
namespace {

const unsigned char *bytes_of(std::string_view text) {
    return reinterpret_cast<const unsigned char *>(text.data());
}

} // namespace

struct HmacSha256::State {
    EVP_MAC *mac = EVP_MAC_fetch(nullptr, "HMAC", nullptr);
    EVP_MAC_CTX *context = EVP_MAC_CTX_new(mac);
    ~State() {
        EVP_MAC_CTX_free(context);
        EVP_MAC_free(mac);
    }
};

HmacSha256::HmacSha256(const Secret &key) : state_(std::make_unique<State>()) {
    char digest[] = "SHA256";
    OSSL_PARAM parameters[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
                               OSSL_PARAM_construct_end()};
    DIVAN_CHECK(state_->context != nullptr);
    DIVAN_CHECK(EVP_MAC_init(state_->context, bytes_of(key.reveal()), key.size(), parameters) == 1);
}

HmacSha256::~HmacSha256() = default;
HmacSha256::HmacSha256(HmacSha256 &&) noexcept = default;
HmacSha256 &HmacSha256::operator=(HmacSha256 &&) noexcept = default;

std::string HmacSha256::of(std::initializer_list<std::string_view> parts) {
    auto *context = state_->context;
    // Without a key: the one it has, whose blocks are hashed already.
    DIVAN_CHECK(EVP_MAC_init(context, nullptr, 0, nullptr) == 1);
    for (auto part : parts)
        DIVAN_CHECK(EVP_MAC_update(context, bytes_of(part), part.size()) == 1);
    std::string out(kBytes, '\0');
    std::size_t size = 0;
    DIVAN_CHECK(EVP_MAC_final(context, reinterpret_cast<unsigned char *>(out.data()), &size, out.size()) ==
                1);
    DIVAN_CHECK(size == kBytes);
    return out;
}

} // namespace divan::crypto
