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

namespace {

// Setting a key up costs ten times what a block does: of each thread the last one stays.
struct Prepared {
    Secret key;
    bool encrypts = false;
    std::unique_ptr<EVP_CIPHER_CTX, FreeContext> context;
};

EVP_CIPHER_CTX *prepare(const Secret &key, bool encrypt) {
    thread_local Prepared last;
    if (last.context && last.encrypts == encrypt && last.key.equals(key.reveal()))
        return last.context.get();
    last.context.reset(EVP_CIPHER_CTX_new());
    DIVAN_CHECK(last.context != nullptr);
    DIVAN_CHECK(EVP_CipherInit_ex(last.context.get(), EVP_aes_256_ecb(), nullptr,
                                  reinterpret_cast<const unsigned char *>(key.reveal().data()), nullptr,
                                  encrypt ? 1 : 0) == 1);
    DIVAN_CHECK(EVP_CIPHER_CTX_set_padding(last.context.get(), 0) == 1);
    last.key = key.copy();
    last.encrypts = encrypt;
    return last.context.get();
}

} // namespace

Block BlockCipher::run(const Block &block, bool encrypt) const {
    Block out{};
    int written = 0;
    bool done = EVP_CipherUpdate(prepare(key_, encrypt), reinterpret_cast<unsigned char *>(out.data()),
                                 &written, reinterpret_cast<const unsigned char *>(block.data()),
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
