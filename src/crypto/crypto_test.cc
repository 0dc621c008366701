#include "base/encoding.h"
#include "crypto/digest.h"
#include "crypto/password.h"

#include <gtest/gtest.h>

namespace divan::crypto {
namespace {

TEST(Digest, KnownVectors) {
    EXPECT_EQ(hex_encode(md5("abc")), "900150983cd24fb0d6963f7d28e17f72");
    EXPECT_EQ(hex_encode(sha1("abc")), "a9993e364706816aba3e25717850c26c9cd0d89d");
    EXPECT_EQ(hex_encode(sha256("abc")), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    // RFC 4231, test case 2.
    EXPECT_EQ(hex_encode(hmac_sha256("Jefe", "what do ya want for nothing?")),
              "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    Md5 stream;
    stream.update("a");
    stream.update("bc");
    EXPECT_EQ(stream.finish(), md5("abc"));
}

TEST(Password, FormsOfCouchDb) {
    auto text = hash_password("secret", "salt", 10);
    EXPECT_TRUE(is_hashed(text));
    EXPECT_TRUE(verify_password(text, "secret"));
    EXPECT_FALSE(verify_password(text, "Secret"));
    EXPECT_EQ(password_salt(text), "salt");
    // RFC 6070: PBKDF2 with HMAC-SHA1, "password", "salt", 2 iterations.
    EXPECT_TRUE(verify_password("-pbkdf2-ea6c014dc72d6f8ccd1ed92ace1d41f0d8de8957,salt,2", "password"));
    EXPECT_TRUE(verify_password("-hashed-" + hex_encode(sha1("pwsalt")) + ",salt", "pw"));
    for (const char *bad :
         {"", "plain", "-pbkdf2-zz,s,1", "-pbkdf2-00,s,0", "-pbkdf2-00,s", "-pbkdf2-00,s,9999999999"})
        EXPECT_FALSE(is_hashed(bad)) << bad;
}

} // namespace
} // namespace divan::crypto
