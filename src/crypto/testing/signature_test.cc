#include "crypto/signature.h"

#include "base/encoding.h"
#include "crypto/digest.h"
#include "crypto/testing/signer.h"

#include <algorithm>
#include <gtest/gtest.h>
#include <openssl/err.h>
#include <vector>

namespace divan::crypto {
namespace {

using enum SignatureAlgorithm;

struct Case {
    std::string kind;
    std::vector<SignatureAlgorithm> algorithms;
};
const std::vector<Case> kCases = {
    {"hmac", {hs256, hs384, hs512}},
    {"rsa", {rs256, rs384, rs512, ps256, ps384, ps512}},
    {"P-256", {es256}},
    {"P-384", {es384}},
    {"P-521", {es512}},
    {"Ed25519", {eddsa}},
    {"Ed448", {eddsa}},
};
constexpr SignatureAlgorithm kAll[] = {hs256, hs384, hs512, rs256, rs384, rs512, ps256,
                                       ps384, ps512, es256, es384, es512, eddsa};

struct Vector {
    const char *name;
    std::map<std::string, std::string> jwk;
    std::string token;
};
// RFC 7515, A.1 to A.3, and RFC 8037, A.4.
const Vector kVectors[] = {
    {"HS256",
     {{"kty", "oct"},
      {"k", "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"}},
     "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9."
     "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ."
     "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"},
    {"RS256",
     {{"kty", "RSA"},
      {"n",
       "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-"
       "yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-"
       "KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-"
       "DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ"},
      {"e", "AQAB"}},
     "eyJhbGciOiJSUzI1NiJ9."
     "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ."
     "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_"
     "O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_"
     "nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K"
     "0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-"
     "eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_"
     "IoypGlUPQGe77Rw"},
    {"ES256",
     {{"kty", "EC"},
      {"crv", "P-256"},
      {"x", "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU"},
      {"y", "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}},
     "eyJhbGciOiJFUzI1NiJ9."
     "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ."
     "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"},
    {"EdDSA",
     {{"kty", "OKP"}, {"crv", "Ed25519"}, {"x", "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}},
     "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc."
     "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"},
};

TEST(Signature, KnownVectors) {
    for (const auto &[name, jwk, token] : kVectors) {
        auto key = Key::from_jwk(members_of(jwk));
        ASSERT_TRUE(key.ok()) << name;
        auto dot = token.rfind('.');
        auto signature = base64_url_decode_strict(std::string_view(token).substr(dot + 1));
        ASSERT_TRUE(signature) << name;
        EXPECT_TRUE(key->verify(*signature_algorithm(name), token.substr(0, dot), *signature)) << name;
    }
}

TEST(Signature, EveryAlgorithmVerifiesWhatItSigned) {
    for (const auto &[kind, algorithms] : kCases) {
        Signer signer(kind);
        Signer stranger(kind);
        auto key = signer.public_key();
        for (auto algorithm : algorithms) {
            auto signature = signer.sign(algorithm, "a message");
            EXPECT_TRUE(key.verify(algorithm, "a message", signature)) << kind;
            EXPECT_FALSE(key.verify(algorithm, "a massage", signature)) << kind;
            EXPECT_FALSE(key.verify(algorithm, "", signature)) << kind;
            if (kind != "hmac") {
                EXPECT_FALSE(stranger.public_key().verify(algorithm, "a message", signature)) << kind;
            }
            for (std::size_t size = 0; size < signature.size(); ++size)
                EXPECT_FALSE(key.verify(algorithm, "a message", signature.substr(0, size))) << kind;
            EXPECT_FALSE(key.verify(algorithm, "a message", signature + '\0')) << kind;
            EXPECT_FALSE(key.verify(algorithm, "a message", '\0' + signature)) << kind;
            EXPECT_FALSE(key.verify(algorithm, "a message", std::string(signature.size(), '\0'))) << kind;
            for (std::size_t bit = 0; bit < signature.size() * 8; bit += 13) {
                auto damaged = signature;
                damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << (bit % 8)));
                EXPECT_FALSE(key.verify(algorithm, "a message", damaged)) << kind << " " << bit;
            }
        }
    }
}

TEST(Signature, KeysAreOfOneFamilyAndCurve) {
    for (const auto &[kind, algorithms] : kCases) {
        Signer signer(kind);
        auto key = signer.public_key();
        // What a key without family would take: its own signatures by another name, and HMACs with what is
        // public.
        std::vector<std::string> signatures = {hmac_sha256("", "m")};
        for (auto algorithm : algorithms)
            signatures.push_back(signer.sign_raw(algorithm, "m"));
        if (kind != "hmac")
            signatures.push_back(hmac_sha256(signer.public_pem(), "m"));
        for (auto algorithm : kAll) {
            bool mine = std::find(algorithms.begin(), algorithms.end(), algorithm) != algorithms.end();
            EXPECT_EQ(key.fits(algorithm), mine) << kind;
            for (const auto &signature : signatures)
                if (!mine) {
                    EXPECT_FALSE(key.verify(algorithm, "m", signature)) << kind;
                }
        }
    }
}

TEST(Signature, TheSaltOfPssIsAsLongAsItsHash) {
    Signer signer("rsa");
    EXPECT_TRUE(signer.public_key().verify(ps256, "m", signer.sign_pss(ps256, "m", 32)));
    for (int salt_bytes : {0, 20, 31, 33, 64})
        EXPECT_FALSE(signer.public_key().verify(ps256, "m", signer.sign_pss(ps256, "m", salt_bytes)));
}

TEST(Signature, JwkAndPemAreTheSameKey) {
    for (const auto &[kind, algorithms] : kCases) {
        Signer signer(kind);
        auto members = signer.jwk();
        auto key = Key::from_jwk(members_of(members));
        ASSERT_TRUE(key.ok()) << kind << key.error().reason();
        EXPECT_TRUE(key->verify(algorithms[0], "m", signer.sign(algorithms[0], "m"))) << kind;
    }
}

TEST(Signature, MalformedJwkIsRefused) {
    for (const auto &[kind, algorithms] : kCases) {
        auto good = Signer(kind).jwk();
        for (const auto &[name, value] : good)
            for (const auto &bad :
                 {std::string(), value.substr(0, value.size() - 1), value + "A", value + "=", " " + value,
                  value + "AAAA", "AAAA" + value, std::string(100'000, 'A')}) {
                auto members = good;
                members[name] = bad;
                // A longer modulus, exponent or secret is another one, and no malformed one.
                bool another = (name == "n" || name == "k" || name == "e") && bad.size() > value.size() &&
                               bad.size() < 1000;
                if (!another && !(name == "k" && bad.size() == value.size() - 1)) {
                    EXPECT_FALSE(Key::from_jwk(members_of(members)).ok())
                        << kind << " " << name << " " << bad;
                }
            }
    }
    auto off_curve = Signer("P-256").jwk();
    off_curve["y"] = off_curve["x"];
    EXPECT_FALSE(Key::from_jwk(members_of(off_curve)).ok());
    auto mixed = Signer("Ed25519").jwk();
    mixed["kty"] = "EC";
    EXPECT_FALSE(Key::from_jwk(members_of(mixed)).ok());
    for (const char *exponent :
         {"AQ", "Ag", "AQAA", "AAAA", "AQAAAAAAAAAB"}) { // 1, 2, 65536, 0, more than 64 bits
        auto rsa = Signer("rsa").jwk();
        rsa["e"] = exponent;
        EXPECT_FALSE(Key::from_jwk(members_of(rsa)).ok()) << exponent;
    }
}

TEST(Signature, WeakAndUnknownKeysAreRefused) {
    Signer weak("rsa:1024");
    EXPECT_EQ(Key::from_pem(weak.public_pem()).error().reason(),
              "The RSA key is too short: make one of at least 2048 bits");
    auto members = weak.jwk();
    EXPECT_FALSE(Key::from_jwk(members_of(members)).ok());
    EXPECT_FALSE(Key::from_pem(Signer("secp256k1").public_pem()).ok());
    EXPECT_FALSE(Key::from_pem(Signer("X25519").public_pem()).ok());
    EXPECT_FALSE(Key::from_secret(Secret()).ok());
    EXPECT_FALSE(Key::from_secret(Secret(Signer("rsa").public_pem())).ok());
}

// TLS reads the thread's queue of errors after its own calls.
TEST(Signature, NoErrorIsLeftForOtherUsersOfOpenSsl) {
    ERR_clear_error();
    Signer signer("P-256");
    auto key = signer.public_key();
    auto jwk = signer.jwk();
    jwk["y"] = jwk["x"];
    EXPECT_FALSE(key.verify(es256, "m", std::string(64, '\0')));
    EXPECT_FALSE(Signer("rsa").public_key().verify(rs256, "m", std::string(256, '\1')));
    EXPECT_FALSE(Key::from_pem("garbage").ok());
    EXPECT_FALSE(Key::from_pem(signer.private_pem()).ok());
    EXPECT_FALSE(Key::from_jwk(members_of(jwk)).ok());
    EXPECT_EQ(ERR_peek_error(), 0u);
}

TEST(Signature, PemIsOnePublicKey) {
    Signer signer("P-256");
    auto pem = signer.public_pem();
    EXPECT_TRUE(Key::from_pem("a comment\n" + pem + "\n").ok());
    EXPECT_EQ(Key::from_pem(signer.private_pem()).error().reason(),
              "This is a private key: put its public key here");
    EXPECT_FALSE(Key::from_pem(pem + pem).ok());
    for (std::size_t size = 0; size < pem.size() - 1; ++size)
        EXPECT_FALSE(Key::from_pem(std::string_view(pem).substr(0, size)).ok()) << size;
    EXPECT_FALSE(Key::from_pem("").ok());
    std::string lines = pem.substr(pem.find('\n') + 1);
    auto der = base64_decode(lines.substr(0, lines.find('-')));
    auto in_pem = [](const std::string &bytes) {
        return "-----BEGIN PUBLIC KEY-----\n" + base64_encode(bytes) + "\n-----END PUBLIC KEY-----\n";
    };
    ASSERT_TRUE(der);
    EXPECT_FALSE(Key::from_pem(in_pem(*der + '\0')).ok());
    EXPECT_FALSE(Key::from_pem(std::string(1 << 20, '-')).ok());
}

} // namespace
} // namespace divan::crypto
