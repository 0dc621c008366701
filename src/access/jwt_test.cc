#include "access/jwt.h"

#include "base/encoding.h"
#include "crypto/digest.h"
#include "crypto/testing/signer.h"
#include "json/writer.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace divan::access {
namespace {

using crypto::SignatureAlgorithm;
using crypto::Signer;
using enum crypto::SignatureAlgorithm;

constexpr std::int64_t kNow = 1'000'000'000;
constexpr const char *kPayload = R"({"sub":"anna","exp":1000000001,"_couchdb.roles":["a","b"]})";

// Keys are slow to make: all tests share them.
const Signer &signer(const std::string &kind) {
    static std::map<std::string, Signer> signers;
    auto found = signers.find(kind);
    return found != signers.end() ? found->second : signers.try_emplace(kind, kind).first->second;
}

KeySet configured_keys() {
    KeySet keys;
    auto escaped = [](std::string pem) {
        std::string out;
        for (char c : pem)
            out += c == '\n' ? std::string("\\n") : std::string(1, c);
        return out;
    };
    EXPECT_TRUE(keys.add_configured("hmac:_default", base64_encode(signer("hmac").secret())).ok());
    EXPECT_TRUE(keys.add_configured("hmac:h:1", base64_encode(signer("hmac").secret())).ok());
    EXPECT_TRUE(keys.add_configured("rsa:r", escaped(signer("rsa").public_pem())).ok());
    EXPECT_TRUE(keys.add_configured("ec:e", escaped(signer("P-256").public_pem())).ok());
    EXPECT_TRUE(keys.add_configured("ec:f", signer("P-384").public_pem()).ok());
    EXPECT_TRUE(keys.add_configured("eddsa:d", signer("Ed25519").public_pem()).ok());
    return keys;
}

const KeySet &keys() {
    static const KeySet kKeys = configured_keys();
    return kKeys;
}

Result<JwtClaims> verify(std::string_view token, const JwtRules &rules = {}, std::int64_t now_s = kNow) {
    return verify_jwt(token, keys(), std::chrono::seconds(now_s), rules);
}

// "anna [a b]" or "401 reason".
std::string outcome(const Result<JwtClaims> &claims) {
    if (!claims.ok())
        return fmt::format("{} {}", claims.error().status(), claims.error().reason());
    std::string roles;
    for (const auto &role : claims->roles)
        roles += (roles.empty() ? "" : "|") + role;
    return fmt::format("{} [{}]", claims->subject, roles);
}

std::string signed_token(std::string_view payload, std::string_view header = R"({"alg":"HS256"})") {
    return signer("hmac").token(hs256, header, payload);
}

std::string by_rules(const JwtRules &rules, std::string_view payload) {
    return outcome(verify(signed_token(payload), rules));
}

JwtRules requiring(std::string_view claims) {
    JwtRules rules;
    rules.required_claims = parse_required_claims(claims).value();
    return rules;
}

TEST(Jwt, EveryFamilyAndKeyId) {
    struct Case {
        const char *kind;
        SignatureAlgorithm algorithm;
        const char *header;
    };
    for (const auto &[kind, algorithm, header] :
         std::initializer_list<Case>{{"hmac", hs256, R"({"alg":"HS256"})"},
                                     {"hmac", hs384, R"({"alg":"HS384","kid":"_default","typ":"JWT"})"},
                                     {"hmac", hs512, R"({"alg":"HS512","kid":"h:1"})"},
                                     {"rsa", rs256, R"({"alg":"RS256","kid":"r"})"},
                                     {"rsa", rs512, R"({"alg":"RS512","kid":"r"})"},
                                     {"rsa", ps384, R"({"alg":"PS384","kid":"r"})"},
                                     {"P-256", es256, R"({"alg":"ES256","kid":"e"})"},
                                     {"P-384", es384, R"({"alg":"ES384","kid":"f"})"},
                                     {"Ed25519", eddsa, R"({"alg":"EdDSA","kid":"d"})"}})
        EXPECT_EQ(outcome(verify(signer(kind).token(algorithm, header, kPayload))), "anna [a|b]") << header;
    EXPECT_EQ(verify(signed_token(kPayload))->expires_at, std::chrono::seconds(kNow + 1));
}

// A token of CouchDB's own tests (jwt_roles_claim_test).
TEST(Jwt, TokenOfCouchDb) {
    KeySet set;
    ASSERT_TRUE(
        set.add_configured("hmac:myjwttestkey2", "VW5kb3VidGVkbHktRW5nYWdpbmctUm9hZHdheS0wMjk=").ok());
    constexpr std::string_view kToken =
        "eyJ0eXAiOiJKV1QiLCJraWQiOiJteWp3dHRlc3RrZXkyIiwiYWxnIjoiSFMyNTYifQ."
        "eyJzdWIiOiIxMjM0NTY3ODkwIiwibmFtZSI6IkpvaG4gRG9lIiwiYWRtaW4iOnRydWUsImlhdCI6MTY1NTI5NTgxMCwiZXhwIjo0"
        "MTAyNDQxMTk5LCJteSI6eyJuZXN0ZWQiOnsiX2NvdWNoZGIucm9sZXMiOiJteV9uZXN0ZWRfY291Y2hkYl9zdHJpbmcucm9sZXNf"
        "MSwgbXlfbmVzdGVkX2NvdWNoZGJfc3RyaW5nLnJvbGVzXzEifX0sIl9jb3VjaGRiLnJvbGVzIjoiX2NvdWNoZGJfc3RyaW5nLnJv"
        "bGVzXzEsX2NvdWNoZGJfc3RyaW5nLnJvbGVzXzIiLCJteS5fY291Y2hkYi5yb2xlcyI6Im15Ll9jb3VjaGRiX3N0cmluZy5yb2xl"
        "c18xLCBteS5fY291Y2hkYl9zdHJpbmcucm9sZXNfMiIsImZvbyI6eyJiYXIuem9uayI6eyJiYXouYnV1Ijp7ImJhYSI6eyJiYWEu"
        "YmVlIjp7InJvbGVzIjoibXlfbmVzdGVkX3N0cmluZ19yb2xlXzEsIG15X25lc3RlZF9zdHJpbmdfcm9sZV8yIn19fX19fQ.nUQYe"
        "_Fy1LBY0F4jbfLwj47p2468v0lrCzHXMWpkfA4";
    auto roles = [&](std::vector<std::string> path, bool required) {
        JwtRules rules;
        rules.roles_path = std::move(path);
        rules.roles_required = required;
        return outcome(verify_jwt(kToken, set, std::chrono::seconds(kNow), rules));
    };
    EXPECT_EQ(roles({"_couchdb.roles"}, false),
              "1234567890 [_couchdb_string.roles_1|_couchdb_string.roles_2]");
    EXPECT_EQ(roles({"my._couchdb.roles"}, false),
              "1234567890 [my._couchdb_string.roles_1|my._couchdb_string.roles_2]");
    EXPECT_EQ(roles(parse_claim_path(R"(foo.bar\.zonk.baz\.buu.baa.baa\.bee.roles)"), true),
              "1234567890 [my_nested_string_role_1|my_nested_string_role_2]");
    EXPECT_EQ(roles(parse_claim_path("123456"), true), "404 missing json key: 123456");
    EXPECT_EQ(roles(parse_claim_path("name.roles"), true), "404 json_mismatch");
}

struct Attack {
    const char *what;
    std::string token;
    std::string expected;
};

void expect_refused(const std::vector<Attack> &attacks) {
    for (const auto &[what, token, expected] : attacks)
        EXPECT_EQ(outcome(verify(token)), expected) << what;
}

std::string unsigned_token(std::string_view header, std::string_view payload = kPayload) {
    return base64_url_encode(header) + "." + base64_url_encode(payload) + ".";
}

constexpr const char *kBadHmac = "400 Bad HMAC in authentication token";
constexpr const char *kBadSignature = "400 Bad signature in authentication token";
constexpr const char *kMalformed = "400 Malformed authentication token";
constexpr const char *kBadAlg = "400 Invalid alg header parameter";
constexpr const char *kUnknownKid = "400 Unknown kid";

TEST(Jwt, ForgedTokensAreRefused) {
    auto good = signed_token(kPayload);
    auto dot = good.rfind('.');
    auto admin = base64_url_encode(R"({"sub":"admin","exp":1000000001})");
    auto header = [](const char *text) { return base64_url_encode(text); };
    Signer stranger("P-256");
    auto jwk = stranger.jwk();
    auto own_key =
        fmt::format(R"({{"alg":"ES256","kid":"e","jwk":{{"kty":"EC","crv":"P-256","x":"{}","y":"{}"}}}})",
                    jwk["x"], jwk["y"]);
    expect_refused({
        {"other payload", header(R"({"alg":"HS256"})") + "." + admin + good.substr(dot), kBadHmac},
        {"other header", header(R"({"alg":"HS256","kid":"h:1"})") + good.substr(good.find('.')), kBadHmac},
        {"longer hash", header(R"({"alg":"HS512"})") + good.substr(good.find('.')), kBadHmac},
        {"empty signature", good.substr(0, dot + 1), kBadHmac},
        {"no signature", good.substr(0, dot), kMalformed},
        {"someone's key", stranger.token(es256, R"({"alg":"ES256","kid":"e"})", kPayload), kBadSignature},
        {"key in the header", stranger.token(es256, own_key, kPayload), kBadSignature},
        {"zeroes for r and s",
         unsigned_token(R"({"alg":"ES256","kid":"e"})") + base64_url_encode(std::string(64, '\0')),
         kBadSignature},
        {"unsigned", unsigned_token(R"({"alg":"RS256","kid":"r"})"), kBadSignature},
    });
}

TEST(Jwt, AlgNoneIsRefusedInEveryCase) {
    for (int bits = 0; bits < 16; ++bits) {
        std::string none = "none";
        for (int i = 0; i < 4; ++i)
            if ((bits >> i & 1) != 0)
                none[static_cast<std::size_t>(i)] = static_cast<char>(none[static_cast<std::size_t>(i)] - 32);
        auto header = fmt::format(R"({{"alg":"{}"}})", none);
        EXPECT_EQ(outcome(verify(unsigned_token(header))), kBadAlg) << header;
        EXPECT_EQ(outcome(verify(signed_token(kPayload, header))), kBadAlg) << header;
    }
    for (const char *header : {R"({"alg":""})", R"({"alg":null})", R"({"alg":0})", R"({"alg":["HS256"]})",
                               R"({"alg":"hs256"})", R"({"alg":"HS256 "})", R"({"alg":"RSA-OAEP"})"})
        EXPECT_EQ(outcome(verify(signed_token(kPayload, header))), kBadAlg) << header;
    EXPECT_EQ(outcome(verify(signed_token(kPayload, "{}"))), "400 Missing alg header parameter");
}

// CVE-2015-9235 and its kin: the public key, which everybody knows, as the secret of an HMAC.
TEST(Jwt, PublicKeysAreNoSecrets) {
    for (const auto &[kind, kid] :
         {std::pair("rsa", "r"), std::pair("P-256", "e"), std::pair("Ed25519", "d")}) {
        auto pem = signer(kind).public_pem();
        for (const auto &secret : {pem, pem.substr(0, pem.size() - 1)}) {
            auto message = base64_url_encode(fmt::format(R"({{"alg":"HS256","kid":"{}"}})", kid)) + "." +
                           base64_url_encode(kPayload);
            auto mac = crypto::hmac_sha256(secret, message);
            EXPECT_EQ(outcome(verify(message + "." + base64_url_encode(mac))), kUnknownKid);
        }
    }
    KeySet set;
    EXPECT_EQ(set.add_configured("hmac:r", base64_encode(signer("rsa").public_pem())).error().reason(),
              "A key in PEM is no secret: name it rsa:, ec: or eddsa: instead of hmac:");
    expect_refused({
        {"EC of another curve", signer("P-384").token(es384, R"({"alg":"ES384","kid":"e"})", kPayload),
         kBadAlg},
        {"RSA as EC", signer("rsa").token(rs256, R"({"alg":"ES256","kid":"r"})", kPayload), kUnknownKid},
        {"RS256 said to be PS256", signer("rsa").token(rs256, R"({"alg":"PS256","kid":"r"})", kPayload),
         kBadSignature},
        {"PS256 said to be RS256", signer("rsa").token(ps256, R"({"alg":"RS256","kid":"r"})", kPayload),
         kBadSignature},
        {"RS384 said to be RS256", signer("rsa").token(rs384, R"({"alg":"RS256","kid":"r"})", kPayload),
         kBadSignature},
    });
}

TEST(Jwt, AKeyBoundToAnAlgorithmTakesNoOther) {
    KeySet set;
    ASSERT_TRUE(set.add("r", {signer("rsa").public_key(), rs256}));
    auto outcome_of = [&](SignatureAlgorithm algorithm, const char *header) {
        return outcome(verify_jwt(signer("rsa").token(algorithm, header, kPayload), set,
                                  std::chrono::seconds(kNow), {}));
    };
    EXPECT_EQ(outcome_of(rs256, R"({"alg":"RS256","kid":"r"})"), "anna [a|b]");
    EXPECT_EQ(outcome_of(rs512, R"({"alg":"RS512","kid":"r"})"), kBadAlg);
    EXPECT_EQ(outcome_of(ps256, R"({"alg":"PS256","kid":"r"})"), kBadAlg);
}

TEST(Jwt, KeyIdTricks) {
    for (const char *kid : {R"("")", R"("r")", R"("hmac:_default")", R"("../../dev/null")", R"("/dev/null")",
                            R"("_default\u0000")", R"("_DEFAULT")", R"("' OR 1=1")", R"("h")", R"("*")"})
        EXPECT_EQ(outcome(verify(signed_token(kPayload, fmt::format(R"({{"alg":"HS256","kid":{}}})", kid)))),
                  kUnknownKid)
            << kid;
    for (const char *kid : {"null", "0", "[]", R"(["_default"])", "{}", "true"})
        EXPECT_EQ(outcome(verify(signed_token(kPayload, fmt::format(R"({{"alg":"HS256","kid":{}}})", kid)))),
                  "400 Invalid kid header parameter")
            << kid;
    EXPECT_EQ(outcome(verify(signer("rsa").token(rs256, R"({"alg":"RS256"})", kPayload))), kUnknownKid);
}

TEST(Jwt, MalformedTokensAreRefused) {
    auto good = signed_token(kPayload);
    auto with = [](std::string_view header, std::string_view payload) {
        return signed_token(payload, header);
    };
    constexpr const char *kHeader = R"({"alg":"HS256"})";
    auto deep = std::string(40, '[') + std::string(40, ']');
    expect_refused({
        {"empty", "", kMalformed},
        {"points", "..", kMalformed},
        {"four parts", good + ".", kMalformed},
        {"five parts", good + "..", kMalformed},
        {"padding", "eyJhbGciOiJIUzI1NiJ9=" + good.substr(good.find('.')), kMalformed},
        {"space", " " + good, kMalformed},
        {"line end", good + "\n", kMalformed},
        {"equal members in the header", with(R"({"alg":"HS256","alg":"HS256"})", kPayload), kMalformed},
        {"an escaped equal member", with(R"({"alg":"none","\u0061lg":"HS256"})", kPayload), kMalformed},
        {"equal members in the payload", with(kHeader, R"({"sub":"anna","sub":"admin","exp":2e9})"),
         kMalformed},
        {"equal members below", with(kHeader, R"({"sub":"anna","exp":2e9,"a":[{"b":1,"b":2}]})"), kMalformed},
        {"header is no object", with(R"(["HS256"])", kPayload), "400 Not an object"},
        {"payload is no object", with(kHeader, "1"), "400 Not an object"},
        {"header is no JSON", with("{", kPayload), kMalformed},
        {"payload is no JSON", with(kHeader, "{\"sub\":\"\xff\"}"), kMalformed},
        {"too deep", with(kHeader, R"({"sub":"anna","exp":2e9,"a":)" + deep + "}"), kMalformed},
        {"crit", with(R"({"alg":"HS256","crit":["exp"],"exp":1})", kPayload),
         "400 Unsupported crit header parameter"},
        {"empty crit", with(R"({"alg":"HS256","crit":[]})", kPayload),
         "400 Unsupported crit header parameter"},
        {"b64", with(R"({"alg":"HS256","b64":false})", kPayload), "400 Unsupported b64 header parameter"},
        {"huge", std::string(8193, 'A'), "400 The authentication token is too long: 8192 bytes are allowed"},
    });
    EXPECT_EQ(outcome(verify(with(kHeader, R"({"sub":")" + std::string(5000, 'a') + R"(","exp":2e9})")))
                  .substr(0, 5),
              "aaaaa");
}

TEST(Jwt, WrongBase64OfSignaturesIsRefused) {
    auto good = signed_token(kPayload);
    auto last = std::string_view("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
                    .find(good.back());
    auto trailing = good;
    trailing.back() = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"[last ^ 1];
    for (const auto &token : {trailing, good + "=", good + "==", good + "AA", good + " ", good + "%"})
        EXPECT_EQ(outcome(verify(token)), kMalformed) << token;
    auto message = base64_url_encode(R"({"alg":"ES256","kid":"e"})") + "." + base64_url_encode(kPayload);
    auto der = signer("P-256").sign_raw(es256, message);
    auto raw = signer("P-256").sign(es256, message);
    EXPECT_EQ(outcome(verify(message + "." + base64_url_encode(raw))), "anna [a|b]");
    for (const auto &signature : {der, raw + '\0', raw.substr(0, 63), raw.substr(0, 32), raw + raw})
        EXPECT_EQ(outcome(verify(message + "." + base64_url_encode(signature))), kBadSignature);
}

TEST(Jwt, TokensCutOrChangedAnywhereAreRefused) {
    for (const auto &good :
         {signed_token(kPayload), signer("Ed25519").token(eddsa, R"({"alg":"EdDSA","kid":"d"})", kPayload)}) {
        ASSERT_TRUE(verify(good).ok());
        for (std::size_t i = 0; i < good.size(); ++i) {
            EXPECT_FALSE(verify(good.substr(0, i)).ok()) << i;
            EXPECT_FALSE(verify(good.substr(i + 1)).ok()) << i;
            for (char c : {'A', '.', '_', '\0'}) {
                auto changed = good;
                changed[i] = c;
                EXPECT_TRUE(changed == good || !verify(changed).ok()) << i << c;
            }
        }
    }
}

TEST(Jwt, Times) {
    auto rules = JwtRules();
    EXPECT_EQ(by_rules(rules, R"({"sub":"a","exp":1000000000})"), "401 exp not in future");
    EXPECT_EQ(by_rules(rules, R"({"sub":"a","exp":1000000000.5})"), "a []");
    EXPECT_EQ(by_rules(rules, R"({"sub":"a","exp":-1e300})"), "401 exp not in future");
    EXPECT_EQ(by_rules(rules, R"({"sub":"a","exp":1e300})"), "a []");
    EXPECT_EQ(by_rules(rules, R"({"sub":"a"})"), "400 Missing exp claim");
    for (const char *exp : {"null", "\"2000000000\"", "true", "[2000000000]", "{}"})
        EXPECT_EQ(by_rules(rules, fmt::format(R"({{"sub":"a","exp":{}}})", exp)), "400 Invalid exp claim");
    // What is there is checked even if it is not required.
    EXPECT_EQ(by_rules(requiring(""), R"({"sub":"a","exp":1000000000})"), "401 exp not in future");
    EXPECT_EQ(by_rules(requiring(""), R"({"sub":"a"})"), "a []");
    EXPECT_EQ(by_rules(requiring(""), R"({"sub":"a","nbf":1000000000})"), "a []");
    EXPECT_EQ(by_rules(requiring(""), R"({"sub":"a","nbf":1000000001})"), "401 nbf not in past");
    EXPECT_EQ(by_rules(requiring("nbf"), R"({"sub":"a","nbf":1000000000})"), "401 nbf not in past");
    EXPECT_EQ(by_rules(requiring("nbf"), R"({"sub":"a","nbf":999999999})"), "a []");
    EXPECT_EQ(by_rules(requiring("nbf"), R"({"sub":"a"})"), "400 Missing nbf claim");
    EXPECT_EQ(by_rules(requiring("iat"), R"({"sub":"a"})"), "400 Missing iat claim");
    EXPECT_EQ(by_rules(requiring("iat"), R"({"sub":"a","iat":"1"})"), "400 Invalid iat claim");
    EXPECT_EQ(by_rules(requiring("iat"), R"({"sub":"a","iat":9000000000})"), "a []");
    // The claims are judged before the signature, as in CouchDB.
    EXPECT_EQ(outcome(verify(signed_token(R"({"sub":"a","exp":1})") + "A")), "401 exp not in future");
}

TEST(Jwt, RequiredClaims) {
    auto rules = requiring(R"(exp, {iss , "https://a"},{aud,"divan"} , iat)");
    EXPECT_EQ(rules.required_claims,
              (std::vector<RequiredClaim>{{"exp", {}}, {"iss", "https://a"}, {"aud", "divan"}, {"iat", {}}}));
    constexpr const char *kRest = R"("sub":"a","exp":2e9,"iat":1)";
    auto outcome_of = [&](const char *claims) {
        return by_rules(rules, fmt::format("{{{}{}}}", kRest, claims));
    };
    EXPECT_EQ(outcome_of(R"(,"iss":"https://a","aud":"divan")"), "a []");
    EXPECT_EQ(outcome_of(R"(,"iss":"https://a","aud":["x","divan"])"), "a []");
    EXPECT_EQ(outcome_of(R"(,"iss":"https://a","aud":["x"])"), "400 Invalid aud claim");
    EXPECT_EQ(outcome_of(R"(,"iss":"https://a")"), "400 Missing aud claim");
    EXPECT_EQ(outcome_of(R"(,"iss":"https://A","aud":"divan")"), "400 Invalid iss claim");
    EXPECT_EQ(outcome_of(R"(,"iss":["https://a"],"aud":"divan")"), "400 Invalid iss claim");
    EXPECT_EQ(outcome_of(R"(,"aud":"divan")"), "400 Missing iss claim");
    EXPECT_EQ(outcome(verify(signed_token(R"({"sub":"a"})"), requiring("typ"))),
              "400 Missing typ header parameter");
    EXPECT_EQ(outcome(verify(signed_token(R"({"sub":"a"})", R"({"alg":"HS256","typ":"at+jwt"})"),
                             requiring("typ"))),
              "400 Invalid typ header parameter");
    EXPECT_EQ(outcome(verify(signed_token(R"({"sub":"a"})"), requiring("kid"))), "400 Missing kid claim");
    EXPECT_EQ(outcome(verify(signed_token(R"({"sub":"a"})", R"({"alg":"HS256","typ":"JWT","kid":"h:1"})"),
                             requiring("alg,sig,typ,kid"))),
              "a []");
    for (const char *bad : {",", "exp,", "exp iat", "{iss}", "{iss,}", "{iss,\"\"}", "{iss,\"a}",
                            "{iss,\"a\"", "{,\"a\"}", "{exp,\"1\"}", "exp;iat", "{iss,a}"}) {
        auto parsed = parse_required_claims(bad);
        ASSERT_FALSE(parsed.ok()) << bad;
        EXPECT_EQ(parsed.error().word(), "misconfigured_server");
        EXPECT_EQ(parsed.error().status(), 500);
    }
}

TEST(Jwt, SubjectIsAName) {
    EXPECT_EQ(by_rules({}, R"({"exp":2e9})"), "401 Token missing sub claim.");
    for (const char *sub : {"\"\"", "null", "1", "[\"a\"]"})
        EXPECT_EQ(by_rules({}, fmt::format(R"({{"sub":{},"exp":2e9}})", sub)),
                  "401 The sub claim of the token is no name.");
}

TEST(Jwt, Roles) {
    auto roles = [](const char *text) {
        return by_rules({}, fmt::format(R"({{"sub":"a","exp":2e9,"_couchdb.roles":{}}})", text));
    };
    EXPECT_EQ(roles(R"([])"), "a []");
    EXPECT_EQ(roles(R"(["x, y",""])"), "a [x, y|]");
    EXPECT_EQ(roles(R"("")"), "a []");
    EXPECT_EQ(roles(R"(" x ,\ty,,z , ,")"), "a [ x|y||z]");
    EXPECT_EQ(roles(R"("x ")"), "a [x ]");
    for (const char *bad : {"null", "1", "{}", R"(["x",1])", "true"})
        EXPECT_EQ(roles(bad), "400 Malformed token") << bad;
    EXPECT_EQ(parse_claim_path(R"(a\.b.c\d..)"), (std::vector<std::string>{"a.b", "c\\d", "", ""}));
}

TEST(Jwt, ConfiguredKeysThatAreBadAreNamed) {
    KeySet set;
    auto reason = [&](std::string_view name, std::string_view value) {
        auto added = set.add_configured(name, value);
        return added.ok() ? "ok" : added.error().reason();
    };
    auto pem = signer("P-256").public_pem();
    EXPECT_EQ(reason("rsa:x", pem), "not an RSA public key");
    EXPECT_EQ(reason("ec:x", signer("rsa").public_pem()), "not an EC public key");
    EXPECT_EQ(reason("eddsa:x", pem), "not an EdDSA public key");
    EXPECT_EQ(reason("ec:x", "garbage"), "Not a valid key");
    EXPECT_EQ(reason("hmac:x", "%"), "Not a valid key");
    EXPECT_EQ(reason("hmac:x", ""), "The secret is empty");
    for (const char *name : {"", "hmac", "hmac:", ":x", "HMAC:x", "dsa:x"})
        EXPECT_EQ(reason(name, "c2VjcmV0").find("a key is named"), 0u) << name;
    EXPECT_EQ(set.size(), 0u);
    auto private_key = signer("P-256").private_pem();
    EXPECT_EQ(reason("ec:x", private_key).find(private_key.substr(40, 20)), std::string::npos);
}

} // namespace
} // namespace divan::access
