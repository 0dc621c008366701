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

// Whether a text of [admins] is the hash of a password.
bool is_password(std::string_view text, std::string_view password) {
    auto hash = parse_password_hash(text);
    return hash && verify_password(*hash, password);
}

TEST(Password, FormsOfCouchDb) {
    auto hash = hash_password("secret", "salt", 10);
    auto text = password_hash_text(hash);
    EXPECT_TRUE(text.starts_with("-pbkdf2:sha256-"));
    EXPECT_TRUE(is_hashed(text));
    EXPECT_EQ(parse_password_hash(text), hash);
    EXPECT_EQ(hash.salt, "salt");
    EXPECT_TRUE(is_password(text, "secret"));
    EXPECT_FALSE(is_password(text, "Secret"));
    // RFC 6070: PBKDF2 with HMAC-SHA1, "password", "salt", 2 iterations.
    EXPECT_TRUE(is_password("-pbkdf2-ea6c014dc72d6f8ccd1ed92ace1d41f0d8de8957,salt,2", "password"));
    auto simple = "-hashed-" + hex_encode(sha1("pwsalt")) + ",salt";
    EXPECT_TRUE(is_password(simple, "pw"));
    EXPECT_EQ(password_hash_text(*parse_password_hash(simple)), simple);
    for (const char *plain : {"", "plain", "pbkdf2-00,s,1", "-pbkdf2:md5-00,s,1", "-hashed"})
        EXPECT_FALSE(is_hashed(plain)) << plain;
}

// As couch_passwords_hasher leaves those of CouchDB 1.x that were never used again.
TEST(Password, OldHashesMadeSlow) {
    PasswordHash hash{PasswordHash::Scheme::simple_pbkdf2, HashFunction::sha256, 5, "salt", {}};
    hash.key = hash_password(hex_encode(sha1("pwsalt")), "salt", 5).key;
    EXPECT_TRUE(verify_password(hash, "pw"));
    EXPECT_FALSE(verify_password(hash, hex_encode(sha1("pwsalt"))));
}

// PBKDF2 of "password" and "salt" with 2 iterations, each with its HMAC (made with Python's hashlib).
TEST(Password, EveryHashFunctionOfCouchDb) {
    const std::pair<const char *, const char *> kKeys[] = {
        {"sha", "ea6c014dc72d6f8ccd1ed92ace1d41f0d8de8957"},
        {"sha224", "93200ffa96c5776d38fa10abdf8f5bfc0054b9718513df472d2331d2"},
        {"sha256", "ae4d0c95af6b46d32d0adff928f06dd02a303f8ef3c251dfd6e2d85a95474c43"},
        {"sha384",
         "54f775c6d790f21930459162fc535dbf04a939185127016a04176a0730c6f1f4fb48832ad1261baadd2cedd50814b1c"
         "8"},
        {"sha512",
         "e1d9c16aa681708a45f5c7c4e215ceb66e011a2e9f0040713f18aefdb866d53cf76cab2868a39b9f7840edce4fef5a82"
         "be67335c77a6068e04112754f27ccf4e"}};
    for (const auto &[name, key] : kKeys) {
        auto text = std::string("-pbkdf2:") + name + "-" + key + ",salt,2";
        EXPECT_TRUE(is_hashed(text)) << name;
        EXPECT_TRUE(is_password(text, "password")) << name;
        EXPECT_FALSE(is_password(text, "Password")) << name;
        EXPECT_EQ(password_hash_text(*parse_password_hash(text)), text);
    }
}

// It must not be taken for a password in plain text, which everybody who saw it would know.
TEST(Password, ADamagedHashIsNobodysPassword) {
    for (const char *damaged : {"-pbkdf2-zz,s,1", "-pbkdf2-00,s,0", "-pbkdf2-00,s", "-pbkdf2-00,s,9999999999",
                                "-pbkdf2:sha512-,s,1", "-hashed-00", "-pbkdf2-,,"}) {
        EXPECT_TRUE(is_hashed(damaged)) << damaged;
        for (const char *password : {"", "s", damaged})
            EXPECT_FALSE(is_password(damaged, password)) << damaged;
    }
}

} // namespace
} // namespace divan::crypto
