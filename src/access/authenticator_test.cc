#include "base/encoding.h"

#include "access/testing_users.h"
#include "crypto/digest.h"

namespace divan::access {
namespace {

class AuthenticatorTest : public UsersFixture {
  protected:
    std::string login(const std::string &pair) { return outcome(authenticate(basic(pair))); }
    std::string with_authorization(const std::string &text) {
        return outcome(authenticate(head_with("Authorization", text)));
    }
    // With the value of an AuthSession cookie.
    std::string with_cookie(const std::string &value) {
        return outcome(authenticate(head_with("Cookie", "other=1; AuthSession=" + value)));
    }
    std::string cookie(const std::string &name = "anna") {
        auto user = users_.find(name).value();
        return std::string(*find_session_cookie(cookies_.make(name, user->salt, false)));
    }
};

TEST_F(AuthenticatorTest, BasicPasswords) {
    EXPECT_EQ(login("anna:tulip"), "anna");
    EXPECT_EQ(login("anna:rose"), "401");
    EXPECT_EQ(login("anna:"), "401");
    EXPECT_EQ(login("bert:tulip"), "401");
    EXPECT_EQ(login(":tulip"), "401");
    EXPECT_EQ(with_authorization("bAsIc " + base64_encode("anna:tulip")), "anna");
    EXPECT_EQ(with_authorization("Basic !!!"), "400");
    EXPECT_EQ(login("anna"), "nobody");
    EXPECT_EQ(login("_:_"), "nobody");
    for (const char *other : {"", "Basic", "Bearer x", "Digest username=anna"})
        EXPECT_EQ(with_authorization(other), "nobody") << other;
}

TEST_F(AuthenticatorTest, PasswordsMayHoldColons) {
    set("admins", "anna", admins_.admin_text("anna", "a:b:").value());
    EXPECT_EQ(login("anna:a:b:"), "anna");
    EXPECT_EQ(login("anna:a:b"), "401");
}

TEST_F(AuthenticatorTest, VerifiedPasswordsAreRememberedUntilTheyChange) {
    EXPECT_EQ(login("anna:tulip"), "anna");
    EXPECT_EQ(hashes_.count, 1);
    EXPECT_EQ(login("anna:tulip"), "anna");
    EXPECT_EQ(hashes_.count, 1);
    EXPECT_EQ(login("anna:rose"), "401");
    EXPECT_EQ(login("anna:rose"), "401");
    EXPECT_EQ(hashes_.count, 3) << "wrong passwords are not remembered";
    set("admins", "anna", admins_.admin_text("anna", "rose").value());
    EXPECT_EQ(login("anna:tulip"), "401");
    EXPECT_EQ(login("anna:rose"), "anna");
    ASSERT_TRUE(config_->erase("admins", "anna", false).ok());
    EXPECT_EQ(login("anna:rose"), "401");
}

TEST_F(AuthenticatorTest, UsersLogInWithTheirRoles) {
    put_user("bert", R"("password":"daisy","roles":["a","b"])");
    auto principal = authenticate(basic("bert:daisy"));
    EXPECT_EQ(outcome(principal), "bert");
    EXPECT_EQ(principal->roles, (std::vector<std::string>{"a", "b"}));
    EXPECT_EQ(principal->authenticated_by, "default");
    EXPECT_EQ(login("bert:tulip"), "401");
    // What is known of a user is never older than the last acknowledged change.
    put_user("bert", R"("password":"rose","roles":["c"])");
    EXPECT_EQ(login("bert:daisy"), "401");
    EXPECT_EQ(authenticate(basic("bert:rose"))->roles, std::vector<std::string>{"c"});
    write_as(context("anna", R"(["_admin"])"), "org.couchdb.user:bert", "{}", true);
    EXPECT_EQ(login("bert:rose"), "401");
}

TEST_F(AuthenticatorTest, AnAdminHasTheRolesOfTheDocumentToo) {
    put_user("anna", R"("password":"daisy","roles":["a"])");
    EXPECT_EQ(authenticate(basic("anna:tulip"))->roles, (std::vector<std::string>{"_admin", "a"}));
    EXPECT_EQ(login("anna:daisy"), "401") << "the password of [admins] counts";
}

// Documents as CouchDB has written them over the years, with their passwords.
TEST_F(AuthenticatorTest, UsersOfEveryCouchDbLogInUnchanged) {
    const std::pair<const char *, std::string> documents[] = {
        {"v1", R"("password_sha":")" + hex_encode(crypto::sha1("daisysalt")) + R"(","salt":"salt")"},
        {"v2", R"("password_scheme":"pbkdf2","iterations":10,"salt":"salt","derived_key":")" +
                   hex_encode(crypto::hash_password("daisy", "salt", 10, crypto::HashFunction::sha1).key) +
                   "\""},
        {"v3",
         R"("password_scheme":"pbkdf2","pbkdf2_prf":"sha256","iterations":9,"salt":"salt","derived_key":")" +
             hex_encode(crypto::hash_password("daisy", "salt", 9).key) + "\""},
        {"v4",
         R"("password_scheme":"simple+pbkdf2","pbkdf2_prf":"sha512","iterations":9,"salt":"salt","derived_key":")" +
             hex_encode(crypto::hash_password(hex_encode(crypto::sha1("daisysalt")), "salt", 9,
                                              crypto::HashFunction::sha512)
                            .key) +
             "\""}};
    for (const auto &[name, members] : documents) {
        EXPECT_TRUE(put_user(name, R"("roles":[],)" + members).starts_with("1-"));
        EXPECT_EQ(login(std::string(name) + ":rose"), "401") << name;
        auto session = cookie(name);
        EXPECT_EQ(login(std::string(name) + ":daisy"), name);
        // It is hashed as the settings say from here on, and nothing else has changed.
        auto document = read_document(name);
        EXPECT_EQ(document.find("password_scheme")->string(), "pbkdf2");
        EXPECT_EQ(document.find("pbkdf2_prf")->string(), "sha256");
        EXPECT_EQ(document.find("iterations")->as_int64(), 10);
        EXPECT_EQ(document.find("salt")->string(), "salt");
        EXPECT_FALSE(document.contains("password_sha"));
        EXPECT_FALSE(document.contains("password"));
        EXPECT_EQ(login(std::string(name) + ":daisy"), name);
        EXPECT_EQ(with_cookie(session), name) << "a session does not end when the password is hashed anew";
    }
}

TEST_F(AuthenticatorTest, HashesOutsideOfTheBoundsAreRefused) {
    put_user("bert", R"("roles":[],"password_scheme":"pbkdf2","iterations":5,"salt":"s","derived_key":"00")");
    EXPECT_EQ(login("bert:x"), "401");
    set("chttpd_auth", "min_iterations", "6");
    EXPECT_EQ(log_in("bert", "x").error().reason(), "Iteration count is too low for this server");
    // It would take hours, and must be refused before.
    put_user(
        "bert",
        R"("roles":[],"password_scheme":"pbkdf2","iterations":4000000000,"salt":"s","derived_key":"00")");
    EXPECT_EQ(log_in("bert", "x").error().reason(), "Iteration count is too high for this server");
    put_user(
        "bert",
        R"("roles":[],"password_scheme":"pbkdf2","pbkdf2_prf":"md5","iterations":9,"salt":"s","derived_key":"00")");
    EXPECT_EQ(log_in("bert", "x").error().reason(), "PRF is invalid");
    EXPECT_EQ(log_in("bert", "x").error().status(), 403);
}

TEST_F(AuthenticatorTest, NobodyLogsInWithADocumentThatHasConflicts) {
    put_user("bert", R"("password":"daisy","roles":[])");
    EXPECT_EQ(login("bert:daisy"), "bert");
    db::Edit other;
    other.id = "org.couchdb.user:bert";
    other.path = doc::RevPath{1, {doc::RevId::parse("1-ffffffffffffffffffffffffffffffff")->hash}};
    other.json = R"({"type":"user","name":"bert","roles":[]})";
    write_edit(context("anna", R"(["_admin"])"), std::move(other));
    auto refused = log_in("bert", "daisy");
    EXPECT_EQ(refused.error().status(), 401);
    EXPECT_NE(refused.error().reason().find("conflicts must be resolved"), std::string::npos);
}

TEST_F(AuthenticatorTest, LockedAccountsAreToldSoWithTheRightPasswordOnly) {
    put_user("bert", R"("password":"daisy","roles":[])");
    auto session = cookie("bert");
    auto document = read_document("bert");
    document.set("locked", true);
    write_as(context("anna", R"(["_admin"])"), "org.couchdb.user:bert", json::to_text(json::Value(document)));
    EXPECT_EQ(login("bert:daisy"), "403");
    EXPECT_EQ(login("bert:rose"), "401");
    EXPECT_EQ(with_cookie(session), "nobody");
}

TEST_F(AuthenticatorTest, CookiesLastUntilTheirTimeout) {
    set("chttpd_auth", "timeout", "100");
    auto value = cookie();
    EXPECT_EQ(with_cookie(value), "anna");
    clock_.advance(std::chrono::seconds(99));
    EXPECT_EQ(with_cookie(value), "anna");
    clock_.advance(std::chrono::seconds(1));
    EXPECT_EQ(with_cookie(value), "nobody");
}

TEST_F(AuthenticatorTest, CookiesAreRenewedAfterATenthOfTheirLife) {
    set("chttpd_auth", "timeout", "100");
    auto head = head_with("Cookie", "AuthSession=" + cookie());
    clock_.advance(std::chrono::seconds(9));
    EXPECT_FALSE(authenticator_.should_renew(head));
    clock_.advance(std::chrono::seconds(1));
    EXPECT_TRUE(authenticator_.should_renew(head));
    EXPECT_FALSE(authenticator_.should_renew(head_with("Cookie", "AuthSession=x")));
    EXPECT_FALSE(authenticator_.should_renew(head_with("Cookie", "")));
}

TEST_F(AuthenticatorTest, TamperedCookiesAreNobody) {
    auto bytes = base64_decode(cookie()).value();
    for (std::size_t i = 0; i < bytes.size(); ++i)
        for (int bit : {1, 0x20}) {
            auto other = bytes;
            other[i] = static_cast<char>(other[i] ^ bit);
            EXPECT_NE(with_cookie(base64_url_encode(other)), "anna") << i;
        }
    for (std::size_t size = 0; size < bytes.size(); ++size)
        EXPECT_NE(with_cookie(base64_url_encode(bytes.substr(0, size))), "anna") << size;
    EXPECT_NE(with_cookie(base64_url_encode(bytes + "x")), "anna");
    for (const char *malformed : {"x", "!!!", "YW5uYQ", "YW5uYTp6OmE"})
        EXPECT_EQ(with_cookie(malformed), "400") << malformed;
}

// Times at the ends of the number must not wrap around into validity.
TEST_F(AuthenticatorTest, CookiesOfOtherTimesAreNobody) {
    auto salt = users_.find("anna").value()->salt;
    for (const char *time : {"7FFFFFFFFFFFFFFF", "-1", "-7FFFFFFFFFFFFFFF", "0"}) {
        auto text = std::string("anna:") + time;
        auto value = base64_url_encode(text + ":" + crypto::hmac_sha256("a secret" + salt, text));
        EXPECT_NE(with_cookie(value), "anna") << time;
    }
}

TEST_F(AuthenticatorTest, CookiesDieWithTheSecretOrThePassword) {
    auto value = cookie();
    set("chttpd_auth", "secret", "another secret");
    EXPECT_EQ(with_cookie(value), "nobody");
    value = cookie();
    set("admins", "anna", admins_.admin_text("anna", "tulip").value()); // a new salt
    EXPECT_EQ(with_cookie(value), "nobody");
}

// As an older CouchDB signs them; and not any more when the setting says so.
TEST_F(AuthenticatorTest, CookiesAreVerifiedWithEveryListedAlgorithm) {
    set("chttpd_auth", "hash_algorithms", "sha, sha256");
    auto value = cookie();
    EXPECT_EQ(base64_decode(value)->size(), std::string("anna:").size() + 8 + 1 + 20);
    EXPECT_EQ(with_cookie(value), "anna");
    set("chttpd_auth", "hash_algorithms", "sha256");
    EXPECT_EQ(with_cookie(value), "nobody");
}

TEST_F(AuthenticatorTest, ABadCookieDoesNotHideAPassword) {
    auto head = basic("anna:tulip");
    head.headers.add("Cookie", "AuthSession=" + base64_url_encode("anna:1:x"));
    EXPECT_EQ(outcome(authenticate(head)), "anna");
}

TEST_F(AuthenticatorTest, ChangedRolesEndSessionsAndNewOnesBeginAtOnce) {
    put_user("bert", R"("password":"daisy","roles":["a"])");
    auto old = cookie("bert");
    EXPECT_EQ(with_cookie(old), "bert");
    auto principal = authenticate(basic("bert:daisy")).value();
    EXPECT_TRUE(authenticator_.is_current(principal));
    auto document = read_document("bert");
    document.set("roles", json::Array{"b"});
    write_as(context("anna", R"(["_admin"])"), "org.couchdb.user:bert", json::to_text(json::Value(document)));
    EXPECT_EQ(with_cookie(old), "nobody");
    EXPECT_FALSE(authenticator_.is_current(principal));
    EXPECT_EQ(with_cookie(cookie("bert")), "bert") << "in the same second";
    // What is no matter of security ends nothing.
    auto current = cookie("bert");
    document = read_document("bert");
    document.set("city", "Ulm");
    write_as(context("bert"), "org.couchdb.user:bert", json::to_text(json::Value(document)));
    EXPECT_EQ(with_cookie(current), "bert");
}

TEST_F(AuthenticatorTest, FailuresLockOneNameFromOneAddress) {
    put_user("bert", R"("password":"daisy","roles":[])");
    for (int i = 0; i < 5; ++i)
        EXPECT_EQ(login("bert:rose"), "401");
    EXPECT_EQ(login("bert:daisy"), "403") << "not even the right password";
    EXPECT_EQ(outcome(authenticate(basic("bert:daisy", "192.0.2.2"))), "bert") << "from elsewhere";
    EXPECT_EQ(login("anna:tulip"), "anna") << "another name";
    EXPECT_EQ(outcome(log_in("bert", "daisy")), "403");
    clock_.advance(std::chrono::seconds(900));
    EXPECT_EQ(login("bert:daisy"), "bert");
}

TEST_F(AuthenticatorTest, LoggingInForgetsFailures) {
    for (int round = 0; round < 3; ++round) {
        for (int i = 0; i < 4; ++i)
            EXPECT_EQ(login("anna:rose"), "401");
        // Another password than the one that is remembered, so that it is checked.
        set("admins", "anna", admins_.admin_text("anna", "tulip").value());
        EXPECT_EQ(login("anna:tulip"), "anna");
    }
}

TEST_F(AuthenticatorTest, OneAddressCannotTryOnePasswordOnAllNames) {
    set("chttpd_auth_lockout", "address_threshold", "20");
    for (int i = 0; i < 20; ++i)
        EXPECT_EQ(login("user" + std::to_string(i) + ":summer"), "401");
    EXPECT_EQ(login("anna:tulip"), "403");
    EXPECT_EQ(outcome(authenticate(basic("anna:tulip", "192.0.2.2"))), "anna");
}

TEST_F(AuthenticatorTest, LocksCanBeOffWarnOrLastUntilTheyAreOpened) {
    auto fail = [&] {
        for (int i = 0; i < 6; ++i)
            (void)login("anna:rose");
    };
    set("authentication", "lockout_enabled", "false");
    fail();
    EXPECT_EQ(login("anna:tulip"), "anna");
    set("authentication", "lockout_enabled", "true");
    set("chttpd_auth_lockout", "mode", "warn");
    fail();
    EXPECT_EQ(login("anna:tulip"), "anna");
    set("chttpd_auth_lockout", "mode", "enforce");
    set("authentication", "auto_unlock", "false");
    fail();
    clock_.advance(std::chrono::hours(1'000));
    EXPECT_EQ(login("anna:tulip"), "403");
    ASSERT_EQ(authenticator_.lockout().list().size(), 1);
    EXPECT_EQ(authenticator_.lockout().list()[0].name, "anna");
    EXPECT_EQ(authenticator_.lockout().unlock("anna"), 1);
    EXPECT_EQ(login("anna:tulip"), "anna");
}

TEST_F(AuthenticatorTest, ProxiesNameUsersIfTheyAreListedAndKnowTheSecret) {
    auto head = head_with("X-Auth-CouchDB-UserName", "bert");
    head.headers.add("X-Auth-CouchDB-Roles", "a, b,");
    EXPECT_EQ(outcome(authenticate(head)), "nobody") << "not listed";
    set("chttpd", "authentication_handlers", "proxy, cookie, default");
    EXPECT_EQ(outcome(authenticate(head)), "bert");
    EXPECT_EQ(authenticate(head)->roles, (std::vector<std::string>{"a", "b"}));
    EXPECT_EQ(authenticate(head)->authenticated_by, "proxy");
    set("chttpd_auth", "proxy_use_secret", "true");
    EXPECT_EQ(outcome(authenticate(head)), "nobody");
    for (const auto &token : {std::string(), std::string("zz"), hex_encode(crypto::hmac_sha256("", "bert")),
                              hex_encode(crypto::hmac_sha256("a secret", "cleo"))}) {
        auto wrong = head;
        wrong.headers.add("X-Auth-CouchDB-Token", token);
        EXPECT_EQ(outcome(authenticate(wrong)), "nobody") << token;
    }
    head.headers.add("X-Auth-CouchDB-Token", hex_encode(crypto::hmac_sha1("a secret", "bert")));
    EXPECT_EQ(outcome(authenticate(head)), "bert");
    put_user("bert", R"("locked":true,"roles":[])");
    EXPECT_EQ(outcome(authenticate(head)), "403");
}

TEST_F(AuthenticatorTest, ADirectoryIsAskedForThoseWhoAreNotKnownHere) {
    auto &directory = directory_;
    directory.on = true;
    EXPECT_EQ(login("anna:tulip"), "anna");
    EXPECT_EQ(directory.asked, 0) << "known here";
    EXPECT_EQ(login("cleo:daisy"), "401");
    EXPECT_EQ(login("bert:rose"), "401");
    EXPECT_EQ(authenticate(basic("bert:daisy"))->roles, std::vector<std::string>{"crew"});
    EXPECT_EQ(directory.asked, 3);
    EXPECT_EQ(login("bert:daisy"), "bert");
    EXPECT_EQ(directory.asked, 3) << "remembered";
    auto session = cookie("bert");
    EXPECT_EQ(with_cookie(session), "bert");
    // What has changed there is seen when the time is over, and ends sessions.
    directory.roles = {"chief"};
    clock_.advance(std::chrono::seconds(60));
    EXPECT_EQ(authenticate(basic("bert:daisy"))->roles, std::vector<std::string>{"chief"});
    EXPECT_EQ(with_cookie(session), "nobody");
    directory.unreachable = true;
    EXPECT_EQ(login("bert:daisy"), "bert");
    clock_.advance(std::chrono::seconds(60));
    EXPECT_EQ(login("bert:daisy"), "503") << "it opens no door";
    // A name of this server is never the directory's.
    directory.unreachable = false;
    put_user("bert", R"("password":"tulip","roles":[])");
    EXPECT_EQ(login("bert:tulip"), "bert");
    EXPECT_EQ(login("bert:daisy"), "401");
}

TEST_F(AuthenticatorTest, KnownDefaultPasswordsAreRefusedWhereOthersReachTheServer) {
    for (const char *password : {"password", "admin", "change_me", "anna"}) {
        EXPECT_TRUE(is_known_default_password("anna", password)) << password;
        admins_.set_exposed(true);
        EXPECT_EQ(admins_.admin_text("anna", password).error().code(), ErrorCode::bad_request);
        admins_.set_exposed(false);
        EXPECT_TRUE(admins_.admin_text("anna", password).ok());
    }
    EXPECT_FALSE(is_known_default_password("anna", "correct horse battery"));
    EXPECT_FALSE(admins_.admin_text("anna", "").ok());
}

TEST_F(AuthenticatorTest, PlainAdminsAreHashed) {
    set("admins", "bert", "password");
    set("admins", "cleo", "correct horse");
    admins_.set_exposed(true);
    EXPECT_FALSE(admins_.hash_plain_admins().ok());
    admins_.set_exposed(false);
    EXPECT_EQ(admins_.hash_plain_admins().value(), std::vector<std::string>{"bert"});
    for (const auto &[name, text] : config_->secrets("admins"))
        EXPECT_TRUE(crypto::is_hashed(text->reveal())) << name;
    EXPECT_EQ(login("cleo:correct horse"), "cleo");
}

TEST(SessionCookie, IsFoundAmongOthers) {
    EXPECT_EQ(find_session_cookie("a=b; AuthSession=x; c=d"), "x");
    EXPECT_EQ(find_session_cookie("AuthSession=\"x\""), "x");
    EXPECT_EQ(find_session_cookie("AuthSession="), "");
    EXPECT_EQ(find_session_cookie("XAuthSession=x"), std::nullopt);
    EXPECT_EQ(find_session_cookie(""), std::nullopt);
}

TEST(Handlers, AreReadInBothForms) {
    using enum Handler;
    EXPECT_EQ(parse_handlers("{chttpd_auth, cookie_authentication_handler}, {chttpd_auth, "
                             "default_authentication_handler}")
                  .value(),
              (std::vector{cookie, password}));
    EXPECT_EQ(parse_handlers("{chttpd_auth,proxy_authentification_handler},{couch_httpd_auth, "
                             "jwt_authentication_handler}")
                  .value(),
              (std::vector{proxy, jwt}));
    EXPECT_EQ(parse_handlers("jwt, default").value(), (std::vector{jwt, password}));
    for (const char *wrong : {"{chttpd_auth, null_authentication_handler}", "basic", "cookie; default"})
        EXPECT_FALSE(parse_handlers(wrong).ok()) << wrong;
}

} // namespace
} // namespace divan::access
