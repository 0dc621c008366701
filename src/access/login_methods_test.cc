#include "base/encoding.h"

#include "access/gate.h"
#include "access/standing.h"
#include "access/testing_users.h"
#include "crypto/digest.h"
#include "crypto/testing/scram_client.h"
#include "crypto/testing/signer.h"
#include "crypto/totp.h"

#include <fmt/format.h>

namespace divan::access {
namespace {

using std::chrono::seconds;

// ---- tokens

class TokenTest : public UsersFixture {
  protected:
    TokenTest() {
        set("chttpd", "authentication_handlers", "jwt, cookie, default");
        set("jwt_keys", "hmac:h", base64_encode("shared secret"));
        EXPECT_TRUE(authenticator_.jwt().reload().ok());
        clock_.advance(seconds(1'000'000));
    }

    std::string token(const std::string &claims, const std::string &secret = "shared secret") {
        auto signed_part =
            base64_url_encode(R"({"alg":"HS256","kid":"h"})") + "." + base64_url_encode(claims);
        return signed_part + "." + base64_url_encode(crypto::hmac_sha256(secret, signed_part));
    }
    std::int64_t now() const { return std::chrono::duration_cast<seconds>(clock_.now()).count(); }
    Result<Principal> bearer(const std::string &text) {
        return authenticate(head_with("Authorization", "Bearer " + text));
    }
    std::string valid() {
        return token(fmt::format(R"({{"sub":"bert","exp":{},"_couchdb.roles":["a"]}})", now() + 60));
    }
};

TEST_F(TokenTest, NameUsersAndRoles) {
    auto principal = bearer(valid());
    EXPECT_EQ(outcome(principal), "bert");
    EXPECT_EQ(principal->roles, std::vector<std::string>{"a"});
    EXPECT_EQ(principal->authenticated_by, "jwt");
    EXPECT_EQ(outcome(bearer(token(R"({"sub":"bert"})"))), "400") << "exp is required";
    EXPECT_EQ(outcome(bearer(token(fmt::format(R"({{"exp":{}}})", now() + 60)))), "401") << "no sub";
    EXPECT_EQ(outcome(bearer(token(fmt::format(R"({{"sub":"bert","exp":{}}})", now() + 60), "other"))),
              "400");
    EXPECT_EQ(outcome(bearer("x")), "400");
    set("chttpd", "authentication_handlers", "cookie, default");
    EXPECT_EQ(outcome(bearer(valid())), "nobody") << "not listed";
}

TEST_F(TokenTest, EndWithTheirTime) {
    auto text = valid();
    auto principal = bearer(text).value();
    Standing standing(authenticator_, principal);
    EXPECT_EQ(standing.holds_cached().value_or(standing.holds()), true);
    EXPECT_EQ(standing.time_left(), Millis(60'000));
    clock_.advance(seconds(60));
    EXPECT_EQ(outcome(bearer(text)), "401");
    EXPECT_EQ(standing.holds_cached(), false);
}

TEST_F(TokenTest, OfLockedAccountsAreRefused) {
    put_user("bert", R"("locked":true,"roles":[])");
    EXPECT_EQ(outcome(bearer(valid())), "403");
}

TEST_F(TokenTest, AreCheckedWithWhatAnIssuerPublishesToo) {
    crypto::Signer signer("rsa");
    auto published = std::make_shared<KeySet>();
    ASSERT_TRUE(published->add_configured("rsa:r", signer.public_pem()).ok());
    int refreshes = 0;
    authenticator_.jwt().set_issuer({[published] { return published; }, [&] { ++refreshes; }});
    auto claims = fmt::format(R"({{"sub":"cleo","exp":{}}})", now() + 60);
    auto text = signer.token(crypto::SignatureAlgorithm::rs256, R"({"alg":"RS256","kid":"r"})", claims);
    EXPECT_EQ(outcome(bearer(text)), "cleo");
    EXPECT_EQ(outcome(bearer(valid())), "bert");
    EXPECT_EQ(outcome(bearer(
                  signer.token(crypto::SignatureAlgorithm::rs256, R"({"alg":"RS256","kid":"s"})", claims))),
              "400");
    EXPECT_EQ(refreshes, 1) << "only for a key that nobody knows";
}

// ---- the second factor

class SecondFactorTest : public UsersFixture {
  protected:
    SecondFactorTest() {
        clock_.advance(seconds(1'000'000));
        put_user("bert", R"("password":"daisy","roles":["a"])");
    }

    std::string code(std::int64_t steps = 0) {
        auto step = std::chrono::duration_cast<seconds>(clock_.now()).count() / 30 + steps;
        return crypto::hotp(crypto::HashFunction::sha1, key_, static_cast<std::uint64_t>(step), 6);
    }

    void enrol() {
        auto enrolment = authenticator_.second_factors().enrol("bert", "Divan").value();
        EXPECT_TRUE(enrolment.uri.starts_with("otpauth://totp/Divan:bert?secret=" + enrolment.key));
        key_ = base32_decode(enrolment.key).value();
        auto user = users_.find("bert").value();
        EXPECT_FALSE(authenticator_.second_factors().confirm(*user, "000000").ok());
        auto confirmed = authenticator_.second_factors().confirm(*user, code()).value();
        recovery_codes_ = confirmed.recovery_codes;
        ASSERT_TRUE(users_.update(*user, std::move(confirmed.document)).ok());
        clock_.advance(seconds(30));
    }

    std::string key_;
    std::vector<std::string> recovery_codes_;
};

TEST_F(SecondFactorTest, IsAskedForOnceItIsSetUp) {
    EXPECT_EQ(outcome(log_in("bert", "daisy")), "bert");
    enrol();
    EXPECT_EQ(outcome(log_in("bert", "daisy")), "401");
    EXPECT_EQ(outcome(authenticate(basic("bert:daisy"))), "401") << "as in CouchDB";
    EXPECT_EQ(outcome(log_in("bert", "daisy", "123456x")), "401");
    EXPECT_EQ(outcome(log_in("bert", "rose", code())), "401");
    EXPECT_EQ(outcome(log_in("bert", "daisy", code())), "bert");
    EXPECT_EQ(outcome(log_in("bert", "daisy", code())), "401") << "a code is right once";
    clock_.advance(seconds(30));
    EXPECT_EQ(outcome(log_in("bert", "daisy", code(-2))), "401");
    EXPECT_EQ(outcome(log_in("bert", "daisy", code(1))), "bert") << "clocks differ";
    EXPECT_EQ(outcome(log_in("bert", "daisy", code())), "401") << "older than one that was used";
}

TEST_F(SecondFactorTest, RecoveryCodesAreRightOnceAndStoredAsHashes) {
    enrol();
    ASSERT_EQ(recovery_codes_.size(), 10u);
    auto stored = json::to_text(json::Value(read_document("bert")));
    for (const auto &one : recovery_codes_)
        EXPECT_EQ(stored.find(one), std::string::npos);
    EXPECT_EQ(outcome(log_in("bert", "daisy", recovery_codes_[3])), "bert");
    EXPECT_EQ(outcome(log_in("bert", "daisy", recovery_codes_[3])), "401");
    EXPECT_EQ(outcome(log_in("bert", "daisy", recovery_codes_[4])), "bert");
    EXPECT_EQ(read_document("bert").find("totp")->object().find("recovery_codes")->array().size(), 8u);
}

TEST_F(SecondFactorTest, GuessesAreCountedAsFailures) {
    enrol();
    for (int i = 0; i < 5; ++i)
        EXPECT_EQ(outcome(log_in("bert", "daisy", "12345" + std::to_string(i))), "401");
    EXPECT_EQ(outcome(log_in("bert", "daisy", code())), "403");
}

// The directory is asked again each minute; that the password is right must not forget the codes that were
// wrong.
TEST_F(SecondFactorTest, GuessesCountAlsoWhenThePasswordIsCheckedAnew) {
    write_as(context("anna", R"(["_admin"])"), "org.couchdb.user:bert", "{}", true);
    directory_.on = true;
    directory_.roles = {};
    EXPECT_EQ(outcome(log_in("bert", "daisy")), "bert");
    auto document = read_document("bert");
    document.set("totp", json::Object());
    write_as(context("anna", R"(["_admin"])"), "org.couchdb.user:bert", json::to_text(json::Value(document)));
    for (int i = 0; i < 5; ++i) {
        EXPECT_EQ(outcome(log_in("bert", "daisy", "12345" + std::to_string(i))), "401");
        clock_.advance(seconds(61));
    }
    EXPECT_EQ(outcome(log_in("bert", "daisy", "000000")), "403");
}

TEST_F(SecondFactorTest, DocumentsThatCannotBeUnderstoodLetNobodyIn) {
    for (const char *totp : {"{}", R"({"key":1})", R"({"key":"!!"})", R"({"key":""})",
                             R"({"key":"GEZDGNBVGY3TQOJQ","algorithm":"md5"})",
                             R"({"key":"GEZDGNBVGY3TQOJQ","length":1})", "true", "null"}) {
        put_user("cleo", fmt::format(R"("password":"daisy","roles":[],"totp":{})", totp));
        for (const char *token : {"", "0", "000000"})
            EXPECT_FALSE(log_in("cleo", "daisy", token).ok()) << totp << token;
        EXPECT_TRUE(authenticator_.lockout().unlock("cleo") <= 1);
    }
}

TEST_F(SecondFactorTest, RolesMayAskForIt) {
    set("authentication", "multi_factor_roles", "a");
    auto principal = log_in("bert", "daisy").value();
    EXPECT_TRUE(principal.enrolment_due);
    Gate gate(*store_, *config_);
    EXPECT_EQ(gate.authorize(principal, Permission::signed_in).error().status(), 403);
    EXPECT_EQ(gate.open(principal, Permission::database_reader, "_users").error().status(), 403);
    EXPECT_TRUE(gate.authorize(principal, Permission::own_account).ok());
    enrol();
    EXPECT_FALSE(log_in("bert", "daisy", code())->enrolment_due);
    EXPECT_FALSE(log_in("anna", "tulip")->enrolment_due) << "another role";
    set("authentication", "multi_factor", "true");
    auto admin = log_in("anna", "tulip").value();
    EXPECT_EQ(gate.authorize(admin, Permission::server_admin).error().status(), 403) << "admins, too";
}

// ---- new passwords

TEST_F(SecondFactorTest, PasswordsAreReplacedWithTheLogin) {
    auto change = [&](const std::string &password, const std::string &new_password) {
        std::optional<Result<Principal>> out;
        spawn(await_login({"bert", crypto::Secret(password), {}, "192.0.2.1", crypto::Secret(new_password)},
                          out),
              [] {});
        return outcome(*out);
    };
    EXPECT_EQ(change("rose", "tulip"), "401");
    EXPECT_EQ(change("daisy", "tulip"), "bert");
    EXPECT_EQ(outcome(log_in("bert", "daisy")), "401");
    EXPECT_EQ(outcome(log_in("bert", "tulip")), "bert");
    EXPECT_FALSE(read_document("bert").contains("password"));
    set("divan", "profile", "enterprise");
    EXPECT_EQ(change("tulip", "short"), "400");
    EXPECT_EQ(change("tulip", "Correct horse 1"), "bert");
    // Too old from the 90th day on: nothing but a new one is possible.
    clock_.advance(std::chrono::days(89));
    EXPECT_EQ(outcome(log_in("bert", "Correct horse 1")), "bert");
    clock_.advance(std::chrono::days(1));
    EXPECT_EQ(outcome(log_in("bert", "Correct horse 1")), "403");
    EXPECT_EQ(outcome(authenticate(basic("bert:Correct horse 1"))), "403");
    EXPECT_EQ(change("Correct horse 1", "Correct horse 1"), "400");
    EXPECT_EQ(change("Correct horse 1", "Correct horse 2"), "bert");
    EXPECT_EQ(outcome(log_in("bert", "Correct horse 2")), "bert");
}

TEST_F(SecondFactorTest, UsersOfADirectoryHaveOneButNoPasswordHere) {
    put_user("bert", R"("identity_provider":"ldap","roles":[])");
    directory_.on = true;
    EXPECT_EQ(outcome(log_in("bert", "daisy")), "bert");
    enrol();
    EXPECT_EQ(outcome(log_in("bert", "daisy")), "401");
    EXPECT_EQ(outcome(log_in("bert", "daisy", code())), "bert") << "the password is remembered";
    clock_.advance(seconds(60));
    int asked = directory_.asked;
    EXPECT_EQ(outcome(log_in("bert", "daisy", code())), "bert");
    EXPECT_EQ(directory_.asked, asked + 1);
    clock_.advance(seconds(60));
    std::optional<Result<Principal>> out;
    spawn(await_login(
              {"bert", crypto::Secret("daisy"), crypto::Secret(code()), "192.0.2.1", crypto::Secret("tulip")},
              out),
          [] {});
    EXPECT_EQ(outcome(*out), "403");
    EXPECT_FALSE(read_document("bert").contains("derived_key"));
}

// ---- SCRAM

class ScramTest : public UsersFixture {
  protected:
    ScramTest() {
        set("chttpd_auth", "iterations", "4096");
        put_user("bert", R"("password":"daisy","roles":["a"])");
    }

    Result<Authenticator::ScramStep> step(ScramCredentials credentials) {
        std::optional<Result<Authenticator::ScramStep>> out;
        spawn(await_step(std::move(credentials), out), [] {});
        return std::move(*out);
    }
    Task<void> await_step(ScramCredentials credentials,
                          std::optional<Result<Authenticator::ScramStep>> &out) {
        std::string address = "192.0.2.1";
        auto answered =
            co_await authenticator_.log_in_by_scram(std::move(credentials), std::move(address), home_);
        out.emplace(std::move(answered));
    }

    // The parameters of a header value.
    static std::string parameter(const std::string &header, const std::string &name) {
        auto begin = header.find(name + "=") + name.size() + 1;
        auto text = header.substr(begin, header.find(',', begin) - begin);
        return text.starts_with("\"") ? text.substr(1, text.size() - 2) : text;
    }

    // Whole: "bert", or the status.
    std::string scram(const std::string &name, const std::string &password) {
        crypto::ScramClient client(name, password, "fyko+d2lbbFgONRv9qkxdawL");
        auto begun = step({"", "", client.client_first()});
        if (!begun.ok())
            return std::to_string(begun.error().status());
        auto id = parameter(begun->challenge, "sid");
        auto final_message = client.client_final(base64_decode(parameter(begun->challenge, "data")).value());
        auto ended = step({"", id, final_message});
        EXPECT_FALSE(step({"", id, final_message}).ok()) << "a login ends once";
        if (!ended.ok())
            return std::to_string(ended.error().status());
        EXPECT_TRUE(
            client.server_is_known(base64_decode(parameter(ended->authentication_info, "data")).value()));
        return ended->principal.name;
    }
};

TEST_F(ScramTest, LogsInWithoutThePasswordTravelling) {
    EXPECT_EQ(scram("bert", "daisy"), "bert");
    EXPECT_EQ(scram("bert", "rose"), "401");
    EXPECT_EQ(scram("cleo", "daisy"), "401");
    set("admins", "anna", admins_.admin_text("anna", "tulip").value());
    EXPECT_EQ(scram("anna", "tulip"), "anna");
    EXPECT_EQ(hashes_.count, 0) << "nothing slow";
}

TEST_F(ScramTest, ChallengesDoNotTellWhoExists) {
    auto challenge = [&](const std::string &name) {
        auto begun = step({"", "", "n,,n=" + name + ",r=abcdefgh"}).value();
        return base64_decode(parameter(begun.challenge, "data")).value();
    };
    auto shape = [](const std::string &message) {
        return std::pair(message.size(), message.substr(message.rfind(",i=")));
    };
    EXPECT_EQ(shape(challenge("bert")), shape(challenge("nobody")));
    auto salt = [](const std::string &message) { return message.substr(message.find(",s=")); };
    EXPECT_EQ(salt(challenge("nobody")), salt(challenge("nobody")));
    EXPECT_NE(salt(challenge("nobody")), salt(challenge("noone")));
}

TEST_F(ScramTest, FailuresLocksAndTimeCount) {
    for (int i = 0; i < 5; ++i)
        EXPECT_EQ(scram("bert", "rose"), "401");
    EXPECT_EQ(scram("bert", "daisy"), "403");
    authenticator_.lockout().unlock("bert");
    crypto::ScramClient client("bert", "daisy", "fyko+d2lbbFgONRv9qkxdawL");
    auto begun = step({"", "", client.client_first()}).value();
    auto final_message = client.client_final(base64_decode(parameter(begun.challenge, "data")).value());
    clock_.advance(seconds(61));
    EXPECT_EQ(step({"", parameter(begun.challenge, "sid"), final_message}).error().status(), 401);
    EXPECT_EQ(step({"", "no such login", final_message}).error().status(), 401);
    EXPECT_EQ(step({"", "", "garbage"}).error().status(), 400);
    put_user("bert", R"("password":"daisy","roles":["a"],"locked":true)");
    EXPECT_EQ(scram("bert", "daisy"), "403");
}

// Of a user who came with an older hash nothing can be derived, until the password is seen.
TEST_F(ScramTest, OldHashesGetAVerifierWithTheNextLogin) {
    put_user("old",
             R"("roles":[],"salt":"salt","password_sha":")" + hex_encode(crypto::sha1("daisysalt")) + "\"");
    EXPECT_EQ(scram("old", "daisy"), "401");
    EXPECT_EQ(outcome(log_in("old", "daisy")), "old");
    EXPECT_EQ(scram("old", "daisy"), "old");
}

TEST_F(ScramTest, OnlySoManyMayHaveBegun) {
    set("divan", "scram_logins_max", "3");
    for (int i = 0; i < 3; ++i)
        EXPECT_TRUE(step({"", "", "n,,n=bert,r=abcdefgh"}).ok());
    EXPECT_EQ(step({"", "", "n,,n=bert,r=abcdefgh"}).error().status(), 503);
    clock_.advance(seconds(61));
    EXPECT_TRUE(step({"", "", "n,,n=bert,r=abcdefgh"}).ok());
}

} // namespace
} // namespace divan::access
