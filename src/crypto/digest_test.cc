#include "crypto/digest.h"

#include "base/encoding.h"
#include "crypto/hmac.h"

#include <gtest/gtest.h>

namespace divan::crypto {
namespace {

// RFC 4231, test case 2.
TEST(Digest, HmacOfEveryFunction) {
    const std::pair<const char *, const char *> macs[] = {
        {"sha", "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"},
        {"sha224", "a30e01098bc6dbbf45690f3a7e9e6d0f8bbea2a39e6148008fd05e44"},
        {"sha256", "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
        {"sha384",
         "af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e8e2240ca5e69e2c78b3239ecfab21649"},
        {"sha512",
         "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea2505549758bf75c05a994a6d034f65f8f0e6fd"
         "caeab1a34d4a6b4b636e070a38bce737"}};
    for (const auto &[name, mac] : macs)
        EXPECT_EQ(hex_encode(hmac(*hash_function(name), "Jefe", "what do ya want for nothing?")), mac)
            << name;
    for (const char *unknown : {"", "sha1", "SHA", "md5", "sha256 "})
        EXPECT_FALSE(hash_function(unknown)) << unknown;
}

TEST(Digest, HmacOfManyTextsWithOneKey) {
    for (const auto &key : {std::string("Jefe"), std::string(200, 'k')}) {
        HmacSha256 hmac{Secret(key)};
        for (const char *text : {"what do ya want for nothing?", "", "another"}) {
            EXPECT_EQ(hmac.of({text}), hmac_sha256(key, text));
            EXPECT_EQ(hmac.of({"ab", "", text}), hmac_sha256(key, std::string("ab") + text));
        }
    }
}

TEST(Digest, Pbkdf2) {
    EXPECT_EQ(hex_encode(pbkdf2(HashFunction::sha256, "password", "salt", 2)),
              "ae4d0c95af6b46d32d0adff928f06dd02a303f8ef3c251dfd6e2d85a95474c43");
    // RFC 6070.
    EXPECT_EQ(hex_encode(pbkdf2(HashFunction::sha1, "password", "salt", 2)),
              "ea6c014dc72d6f8ccd1ed92ace1d41f0d8de8957");
}

} // namespace
} // namespace divan::crypto
