#include "base/encoding.h"
#include "crypto/block_cipher.h"

#include <algorithm>
#include <gtest/gtest.h>

namespace divan::crypto {
namespace {

Block block_of(const std::string &hex) {
    Block block{};
    auto bytes = hex_decode(hex).value();
    std::copy(bytes.begin(), bytes.end(), block.begin());
    return block;
}

// FIPS 197, appendix C.3.
TEST(BlockCipher, IsAes256) {
    BlockCipher cipher{
        Secret(*hex_decode("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"))};
    auto plain = block_of("00112233445566778899aabbccddeeff");
    auto sealed = cipher.encrypt(plain);
    EXPECT_EQ(hex_encode({sealed.data(), sealed.size()}), "8ea2b7ca516745bfeafc49904b496089");
    EXPECT_EQ(cipher.decrypt(sealed), plain);
}

} // namespace
} // namespace divan::crypto
