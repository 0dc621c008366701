#include "access/jwk_set.h"

#include "crypto/testing/signer.h"
#include "json/writer.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace divan::access {
namespace {

using crypto::KeyFamily;
using crypto::Signer;
using enum crypto::SignatureAlgorithm;
using Members = std::map<std::string, std::string>;

const Members &jwk(const std::string &kind) {
    static std::map<std::string, Members> known;
    auto &members = known[kind];
    if (members.empty())
        members = Signer(kind).jwk();
    return members;
}

// The JSON of a key, with further members as JSON.
std::string key(const std::string &kind, const std::string &more = "") {
    std::string text = "{";
    for (const auto &[name, value] : jwk(kind)) {
        text += text.size() > 1 ? "," : "";
        json::write_string(text, name);
        text += ":";
        json::write_string(text, value);
    }
    return text + (more.empty() ? "" : ",") + more + "}";
}

JwkSet parse(const std::string &keys) {
    return parse_jwk_set("{\"keys\":[" + keys + "],\"more\":1}").value();
}

TEST(JwkSet, KeysOfEveryFamily) {
    auto set = parse(key("rsa", R"("kid":"1","use":"sig","alg":"RS256","x5c":["x"])") + "," +
                     key("P-521", R"("kid":"1","key_ops":["verify"])") + "," + key("Ed448", R"("kid":"1")") +
                     "," + key("P-256"));
    EXPECT_TRUE(set.skipped.empty()) << set.skipped[0];
    EXPECT_EQ(set.keys.size(), 4u);
    EXPECT_EQ(set.keys.find(KeyFamily::rsa, "1")->only, rs256);
    EXPECT_EQ(set.keys.find(KeyFamily::ec, "1")->only, std::nullopt);
    EXPECT_TRUE(set.keys.find(KeyFamily::ec, "1")->key.fits(es512));
    EXPECT_TRUE(set.keys.find(KeyFamily::ec, "_default")->key.fits(es256));
    EXPECT_NE(set.keys.find(KeyFamily::eddsa, "1"), nullptr);
    EXPECT_EQ(set.keys.find(KeyFamily::hmac, "1"), nullptr);
}

TEST(JwkSet, WhatIsNoKeyForSignaturesIsSkippedWithAReason) {
    struct Case {
        std::string key, reason;
    };
    for (const auto &[text, reason] : std::initializer_list<Case>{
             {key("rsa", R"("kid":"a","use":"enc")"), "key 1 (kid a): its use is not sig"},
             {key("rsa", R"("use":1)"), "key 1: use is not a string"},
             {key("rsa", R"("key_ops":["encrypt"])"), "key 1: key_ops has no verify"},
             {key("rsa", R"("key_ops":"verify")"), "key 1: key_ops is not an array"},
             {key("rsa", R"("alg":"ES256")"), "key 1: its alg is not one for this key"},
             {key("rsa", R"("alg":"RSA-OAEP")"), "key 1: its alg is not one for this key"},
             {key("rsa", R"("alg":"none")"), "key 1: its alg is not one for this key"},
             {key("rsa", R"("alg":"HS256")"), "key 1: its alg is not one for this key"},
             {key("rsa", R"("alg":"")"), "key 1: its alg is not one for this key"},
             {key("P-256", R"("alg":"ES384")"), "key 1: its alg is not one for this key"},
             {key("rsa", R"("kid":1)"), "key 1: kid is not a string"},
             {key("rsa", R"("d":"AQAB")"),
              "key 1: it is a private key: publish its public key, and make a new one"},
             {key("hmac"), "key 1: a secret has no place in a published set"},
             {key("rsa:1024"), "key 1: The RSA key is too short: make one of at least 2048 bits"},
             {R"({"kty":"LWE"})", "key 1: The kty of the key is not known: RSA, EC, OKP and oct are"},
             {R"({"kty":"EC","crv":"secp256k1"})",
              "key 1: The curve of the key is not known: P-256, P-384, P-521, Ed25519 and Ed448 are"},
             {R"({"kty":"RSA","n":"AQAB"})", "key 1: Not a valid key"},
             {R"({})", "key 1: The kty of the key is not known: RSA, EC, OKP and oct are"},
             {R"("key")", "key 1: it is not an object"},
             {key("P-384", R"("kid":"good")"),
              "key 1 (kid good): there is another one of its family and kid"}}) {
        auto set = parse(key("P-256", R"("kid":"good")") + "," + text);
        EXPECT_EQ(set.skipped, std::vector{reason});
        EXPECT_EQ(set.keys.size(), 1u) << text;
    }
}

TEST(JwkSet, WhatIsNoSetIsRefused) {
    for (const char *text : {"", "{", "[]", "1", "{}", R"({"keys":{}})", R"({"keys":[],"keys":[]})"})
        EXPECT_EQ(parse_jwk_set(text).error().status(), 400) << text;
    EXPECT_EQ(parse("").keys.size(), 0u);
    EXPECT_TRUE(parse_jwk_set(R"({"keys":[0,0]})", {.keys_max = 2}).ok());
    EXPECT_FALSE(parse_jwk_set(R"({"keys":[0,0,0]})", {.keys_max = 2}).ok());
    EXPECT_FALSE(parse_jwk_set(R"({"keys":[]})", {.bytes_max = 10}).ok());
}

} // namespace
} // namespace divan::access
