#include "access/jwt.h"
#include "access/oidc_metadata.h"
#include "access/oidc_settings.h"
#include "access/oidc_token.h"
#include "access/pending_logins.h"

#include "base/encoding.h"
#include "config/config.h"
#include "crypto/digest.h"
#include "crypto/testing/signer.h"
#include "json/parser.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace divan::access {
namespace {

using crypto::Signer;
using enum crypto::SignatureAlgorithm;

constexpr std::chrono::seconds kNow{1'700'000'000};

json::Object object(std::string_view text) {
    return std::move(json::parse(text, {}).value().object());
}

// ---- logins that have begun

class PendingLoginsTest : public testing::Test {
  protected:
    PendingLogin begin(std::size_t pending_max = 10) {
        return logins_.begin("https://here/callback", "/next", pending_max, std::chrono::seconds(600));
    }
    ErrorCode refusal(const PendingLogin &login, const std::string &browser) {
        auto taken = logins_.take(login.state, browser);
        return taken.ok() ? ErrorCode::conflict : taken.error().code();
    }
    ManualClock clock_;
    SeededRandom random_{1};
    PendingLogins logins_{clock_, random_, "/_session/oidc/login"};
};

TEST_F(PendingLoginsTest, ALoginEndsOnceAndByItsBrowser) {
    auto login = begin();
    auto other = begin();
    EXPECT_EQ(refusal(login, other.browser), ErrorCode::forbidden);
    EXPECT_EQ(refusal(login, ""), ErrorCode::forbidden);
    auto taken = logins_.take(login.state, login.browser);
    ASSERT_TRUE(taken.ok());
    EXPECT_EQ(taken->verifier, login.verifier);
    EXPECT_EQ(taken->nonce, login.nonce);
    EXPECT_EQ(taken->next, "/next");
    EXPECT_EQ(refusal(login, login.browser), ErrorCode::bad_request);
    EXPECT_EQ(logins_.size(), 1u);
}

TEST_F(PendingLoginsTest, SecretsDiffer) {
    auto login = begin();
    std::set<std::string> secrets = {login.state, login.browser, login.nonce, login.verifier};
    EXPECT_EQ(secrets.size(), 4u);
    for (const auto &secret : secrets)
        EXPECT_EQ(secret.size(), 43u); // what RFC 7636 asks of a verifier
    EXPECT_NE(begin().state, login.state);
}

TEST_F(PendingLoginsTest, ALoginHasItsTime) {
    auto login = begin();
    clock_.advance(std::chrono::seconds(599));
    auto later = begin();
    clock_.advance(std::chrono::seconds(1));
    EXPECT_EQ(refusal(login, login.browser), ErrorCode::bad_request);
    (void)begin(); // takes the chance to forget
    EXPECT_EQ(logins_.size(), 2u);
    EXPECT_TRUE(logins_.take(later.state, later.browser).ok());
}

TEST_F(PendingLoginsTest, BeyondTheLimitTheOldestIsForgotten) {
    auto first = begin(2);
    auto second = begin(2);
    auto third = begin(2);
    EXPECT_EQ(logins_.size(), 2u);
    EXPECT_EQ(refusal(first, first.browser), ErrorCode::bad_request);
    EXPECT_TRUE(logins_.take(second.state, second.browser).ok());
    EXPECT_TRUE(logins_.take(third.state, third.browser).ok());
}

TEST_F(PendingLoginsTest, AUserIsKeptWithItOnce) {
    auto login = begin();
    EXPECT_EQ(logins_.find(login.state).value().nonce, login.nonce);
    EXPECT_EQ(logins_.find("x").error().code(), ErrorCode::bad_request);
    EXPECT_EQ(logins_.set_user("x", {.provider = "saml", .name = "bert"}).error().code(),
              ErrorCode::bad_request);
    ASSERT_TRUE(logins_.set_user(login.state, {.provider = "saml", .name = "anna"}).ok());
    EXPECT_EQ(logins_.find(login.state).error().code(), ErrorCode::bad_request);
    EXPECT_EQ(logins_.set_user(login.state, {.provider = "saml", .name = "bert"}).error().code(),
              ErrorCode::bad_request);
    EXPECT_EQ(refusal(login, "another"), ErrorCode::forbidden);
    EXPECT_EQ(logins_.take(login.state, login.browser).value().user->name, "anna");
    EXPECT_EQ(logins_.set_user(login.state, {.provider = "saml", .name = "anna"}).error().code(),
              ErrorCode::bad_request);
}

TEST(LocalPath, LeadsToThisServerOnly) {
    for (const char *path : {"/", "/db/_design/app/index.html?a=//b#c", "/a//b"})
        EXPECT_TRUE(check_local_path(path).ok()) << path;
    for (const char *path :
         {"", "a", "//a", "/\\a", "\\/a", "/\t/a", "/a\r\nX: y", "/a b", "https://a", "/\x80"})
        EXPECT_EQ(check_local_path(path).error().code(), ErrorCode::bad_request) << path;
}

// ---- metadata

const std::string kMetadata = R"({"issuer":"https://id","authorization_endpoint":"https://id/a?tenant=1",
    "token_endpoint":"https://id/t","jwks_uri":"https://id/k")";

TEST(OidcMetadata, WhatIsAbsentHasTheDefaultsOfTheStandard) {
    auto metadata = parse_oidc_metadata(kMetadata + "}", "https://id").value();
    EXPECT_EQ(metadata.authorization_endpoint, "https://id/a?tenant=1");
    EXPECT_EQ(metadata.algorithms, std::set{rs256});
    EXPECT_FALSE(metadata.secret_in_body);
    EXPECT_FALSE(metadata.names_issuer_in_answer);
    EXPECT_EQ(metadata.end_session_endpoint, "");
}

TEST(OidcMetadata, TheSecretGoesWhereTheProviderTakesIt) {
    auto in_body = [](const std::string &methods) {
        auto text = kMetadata + R"(,"token_endpoint_auth_methods_supported":[)" + methods + "]}";
        return parse_oidc_metadata(text, "https://id").value().secret_in_body;
    };
    EXPECT_FALSE(in_body(R"("client_secret_post","client_secret_basic")"));
    EXPECT_TRUE(in_body(R"("private_key_jwt","client_secret_post")"));
    EXPECT_FALSE(in_body(R"("private_key_jwt")"));
}

TEST(OidcMetadata, TheIssuerIsComparedByteByByte) {
    for (const char *issuer : {"https://id/", "https://ID", "https://i", ""}) {
        auto metadata = parse_oidc_metadata(kMetadata + "}", issuer);
        ASSERT_FALSE(metadata.ok()) << issuer;
        EXPECT_EQ(metadata.error().code(), ErrorCode::service_unavailable);
    }
    for (const char *text : {"", "[]", "{", "{}"})
        EXPECT_FALSE(parse_oidc_metadata(text, "https://id").ok()) << text;
    EXPECT_EQ(oidc_metadata_url("https://id/realm/"), "https://id/realm/.well-known/openid-configuration");
    EXPECT_EQ(oidc_metadata_url("https://id/realm"), "https://id/realm/.well-known/openid-configuration");
}

// ---- tokens

TEST(IdToken, AtHashIsOfTheHashThatGoesWithTheAlgorithm) {
    struct Case {
        const char *kind, *name;
        crypto::SignatureAlgorithm algorithm;
        crypto::HashFunction function;
    };
    for (const auto &[kind, name, algorithm, function] :
         std::initializer_list<Case>{{"P-256", "ES256", es256, crypto::HashFunction::sha256},
                                     {"P-384", "ES384", es384, crypto::HashFunction::sha384},
                                     {"P-521", "ES512", es512, crypto::HashFunction::sha512},
                                     {"rsa", "PS384", ps384, crypto::HashFunction::sha384},
                                     {"Ed25519", "EdDSA", eddsa, crypto::HashFunction::sha512}}) {
        Signer signer(kind);
        KeySet keys;
        ASSERT_TRUE(keys.add("_default", {signer.public_key(), std::nullopt}));
        auto hash = crypto::hash(function, "access");
        auto token = signer.token(
            algorithm, fmt::format(R"({{"alg":"{}"}})", name),
            fmt::format(
                R"({{"iss":"i","sub":"s","aud":["c"],"exp":{0},"iat":{0},"nonce":"n","at_hash":"{1}"}})",
                kNow.count(), base64_url_encode(std::string_view(hash).substr(0, hash.size() / 2))));
        IdTokenRules rules{"i", "c", "n", "access", {algorithm}, std::chrono::seconds(1)};
        EXPECT_TRUE(verify_id_token(token, keys, kNow, rules).ok()) << name;
        rules.access_token = "another";
        EXPECT_FALSE(verify_id_token(token, keys, kNow, rules).ok()) << name;
        rules.access_token = "";
        EXPECT_TRUE(verify_id_token(token, keys, kNow, rules).ok()) << name;
        // Times: up to the leeway, and not further.
        EXPECT_FALSE(verify_id_token(token, keys, kNow + std::chrono::seconds(1), rules).ok());
        EXPECT_TRUE(verify_id_token(token, keys, kNow - std::chrono::seconds(1), rules).ok());
        EXPECT_FALSE(verify_id_token(token, keys, kNow - std::chrono::seconds(2), rules).ok());
        rules.nonce = "";
        EXPECT_FALSE(verify_id_token(token, keys, kNow, rules).ok());
        rules = {"i", "c", "n", "", {hs256}, std::chrono::seconds(1)};
        EXPECT_FALSE(verify_id_token(token, keys, kNow, rules).ok());
    }
}

TEST(IdToken, AKeyThatTheSetLacksIsWorthARefresh) {
    Signer signer("P-256");
    KeySet keys;
    ASSERT_TRUE(keys.add("a", {signer.public_key(), std::nullopt}));
    auto token = [&](const char *header) { return signer.token(es256, header, "{}"); };
    EXPECT_TRUE(names_unknown_key(token(R"({"alg":"ES256","kid":"b"})"), keys));
    EXPECT_TRUE(names_unknown_key(token(R"({"alg":"RS256","kid":"a"})"), keys));
    EXPECT_FALSE(names_unknown_key(token(R"({"alg":"ES256","kid":"a"})"), keys));
    for (const char *malformed : {"", "a.b", "a.b.c"})
        EXPECT_FALSE(names_unknown_key(malformed, keys)) << malformed;
    EXPECT_FALSE(names_unknown_key(token(R"({"alg":"none","kid":"b"})"), keys));
}

// ---- users

class OidcUserTest : public testing::Test {
  protected:
    void set(const char *section, const char *key, const char *value) {
        ASSERT_TRUE(config_->set(section, key, value, false).ok()) << key;
    }
    OidcSettings settings() {
        set("oidc", "issuer", "https://id");
        set("oidc", "client_id", "divan");
        return read_oidc_settings(*config_).value();
    }
    std::unique_ptr<config::Config> config_ = config::Config::load({}, "").value();
};

TEST_F(OidcUserTest, GroupsBecomeRolesByTheMap) {
    set("oidc", "roles_claim", "realm.roles");
    set("oidc_roles", "/staff", "crew, readers");
    set("oidc_roles", "boss", "crew");
    auto claims = object(R"({"sub":"1","preferred_username":"anna",
        "realm":{"roles":["boss","/staff","guests",7,"boss"]}})");
    EXPECT_EQ(oidc_user(claims, settings())->roles, (std::vector<std::string>{"crew", "readers"}));
    set("oidc", "groups_as_roles", "true");
    EXPECT_EQ(oidc_user(claims, settings())->roles, (std::vector<std::string>{"crew", "readers", "guests"}));
    set("oidc", "roles_claim", "realm.none");
    EXPECT_TRUE(oidc_user(claims, settings())->roles.empty());
    EXPECT_TRUE(lacks_claims(claims, settings()));
    set("oidc", "roles_claim", "sub.more");
    EXPECT_TRUE(oidc_user(claims, settings())->roles.empty());
    set("oidc", "roles_claim", "sub");
    EXPECT_EQ(oidc_user(claims, settings())->roles, std::vector<std::string>{"1"});
    EXPECT_FALSE(lacks_claims(claims, settings()));
}

TEST_F(OidcUserTest, AttributesAreKeptUnderTheirNames) {
    set("oidc", "attributes", "email, name:display_name, none");
    auto user = oidc_user(object(R"({"sub":"1","preferred_username":"anna","email":"a@b","name":"Anna"})"),
                          settings());
    ASSERT_TRUE(user.ok());
    EXPECT_EQ(user->name, "anna");
    EXPECT_EQ(user->subject, "1");
    EXPECT_EQ(user->attributes, object(R"({"email":"a@b","display_name":"Anna"})"));
}

TEST_F(OidcUserTest, WhoHasNoNameIsRefusedUnlessSubIsOne) {
    auto claims = object(R"({"sub":"1","preferred_username":7})");
    EXPECT_EQ(oidc_user(claims, settings()).error().code(), ErrorCode::forbidden);
    set("oidc", "name_fallback_sub", "true");
    EXPECT_EQ(oidc_user(claims, settings())->name, "1");
}

} // namespace
} // namespace divan::access
