#include "crypto/signing_key.h"

#include "base/check.h"
#include "crypto/key_state.h"

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

namespace divan::crypto {
namespace {

constexpr std::size_t kPemBytesMax = 64 * 1024;
constexpr int kRsaBitsMin = 2'048;
constexpr int kRsaBitsMax = 16'384;

// A question for a passphrase must not wait at a terminal.
int no_passphrase(char *, int, int, void *) {
    return -1;
}

} // namespace

struct SigningKey::State {
    KeyPointer key;
};

Result<SigningKey> SigningKey::from_pem(std::string_view pem) {
    QuietErrors quiet;
    auto state = std::make_shared<State>();
    if (pem.size() <= kPemBytesMax) {
        std::unique_ptr<BIO, Deleter<BIO_free>> bio(
            BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
        DIVAN_CHECK(bio != nullptr);
        state->key.reset(PEM_read_bio_PrivateKey(bio.get(), nullptr, no_passphrase, nullptr));
    }
    if (state->key == nullptr)
        return Error(ErrorCode::bad_request, "There is no private key in PEM without a passphrase");
    auto bits = EVP_PKEY_get_bits(state->key.get());
    if (EVP_PKEY_is_a(state->key.get(), "RSA") != 1 || bits < kRsaBitsMin || bits > kRsaBitsMax)
        return Error(ErrorCode::bad_request, "The private key is not RSA with 2048 to 16384 bits");
    return SigningKey(std::move(state));
}

std::string SigningKey::sign_rs256(std::string_view message) const {
    QuietErrors quiet;
    std::unique_ptr<EVP_MD_CTX, Deleter<EVP_MD_CTX_free>> context(EVP_MD_CTX_new());
    const auto *bytes = reinterpret_cast<const unsigned char *>(message.data());
    std::size_t size = 0;
    DIVAN_CHECK(EVP_DigestSignInit(context.get(), nullptr, EVP_sha256(), nullptr, state_->key.get()) == 1 &&
                EVP_DigestSign(context.get(), nullptr, &size, bytes, message.size()) == 1);
    std::string made(size, '\0');
    DIVAN_CHECK(EVP_DigestSign(context.get(), reinterpret_cast<unsigned char *>(made.data()), &size, bytes,
                               message.size()) == 1);
    made.resize(size);
    return made;
}

} // namespace divan::crypto
