#include "crypto/block_cipher.h"

#include "base/check.h"

#include <memory>
#include <openssl/evp.h>

namespace divan::crypto {
namespace {

constexpr std::size_t kKeyBytes = 32;

struct FreeContext {
    void operator()(EVP_CIPHER_CTX *context) const { EVP_CIPHER_CTX_free(context); }
};

} // namespace

BlockCipher::BlockCipher(Secret key) : key_(std::move(key)) {
    DIVAN_CHECK(key_.size() == kKeyBytes);
}

Block BlockCipher::run(const Block &block, bool encrypt) const {
    std::unique_ptr<EVP_CIPHER_CTX, FreeContext> context(EVP_CIPHER_CTX_new());
    DIVAN_CHECK(context != nullptr);
    Block out{};
    int written = 0;
    bool done = EVP_CipherInit_ex(context.get(), EVP_aes_256_ecb(), nullptr,
                                  reinterpret_cast<const unsigned char *>(key_.reveal().data()), nullptr,
                                  encrypt ? 1 : 0) == 1 &&
                EVP_CIPHER_CTX_set_padding(context.get(), 0) == 1 &&
                EVP_CipherUpdate(context.get(), reinterpret_cast<unsigned char *>(out.data()), &written,
                                 reinterpret_cast<const unsigned char *>(block.data()),
                                 static_cast<int>(block.size())) == 1;
    DIVAN_CHECK(done && written == static_cast<int>(out.size()));
    return out;
}

Block BlockCipher::encrypt(const Block &block) const {
    return run(block, true);
}

Block BlockCipher::decrypt(const Block &block) const {
    return run(block, false);
}

} // namespace divan::crypto
