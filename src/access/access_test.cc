#include "access/authenticator.h"
#include "access/gate.h"
#include "base/encoding.h"
#include "crypto/password.h"
#include "db/store.h"
#include "kv/memory/memory_engine.h"

#include <gtest/gtest.h>

namespace divan::access {
namespace {

// Runs work at once and counts it: each is a slow hash.
class InlinePool final : public Executor {
  public:
    void post(UniqueFunction<void()> work) override {
        ++count;
        work();
    }
    int count = 0;
};

class AuthenticatorTest : public testing::Test {
  protected:
    AuthenticatorTest()
        : config_(config::Config::load({}, "").value()), random_(1),
          authenticator_(*config_, clock_, random_, pool_) {
        set("chttpd_auth", "iterations", "10");
        set("chttpd_auth", "secret", "a secret");
        set("admins", "anna", authenticator_.admin_text("anna", "tulip").value());
    }

    void set(const char *section, const char *key, std::string value) {
        ASSERT_TRUE(config_->set(section, key, std::move(value), false).ok());
    }

    static std::string basic(const std::string &pair) { return "Basic " + base64_encode(pair); }

    // "anna", "nobody" or the status.
    static std::string outcome(const Result<Principal> &principal) {
        if (!principal.ok())
            return std::to_string(principal.error().status());
        return principal->anonymous() ? "nobody" : principal->name;
    }

    // As the dispatcher asks.
    std::string login(const std::string &authorization) {
        auto quick = authenticator_.authenticate_quickly({authorization, std::nullopt});
        if (quick)
            return outcome(*quick);
        std::optional<Result<Principal>> slow;
        spawn(await(authorization, slow), [] {});
        return outcome(*slow);
    }

    Task<void> await(std::string authorization, std::optional<Result<Principal>> &out) {
        auto principal = co_await authenticator_.authenticate(std::move(authorization), home_);
        out.emplace(std::move(principal));
    }

    // With the value of an AuthSession cookie.
    std::string with_cookie(const std::string &value) {
        auto header = "other=1; AuthSession=" + value;
        return outcome(*authenticator_.authenticate_quickly({std::nullopt, header}));
    }

    std::string cookie() { return std::string(*find_session_cookie(authenticator_.session_cookie("anna"))); }

    std::unique_ptr<config::Config> config_;
    ManualClock clock_;
    SeededRandom random_;
    InlinePool pool_;
    InlinePool home_;
    Authenticator authenticator_;
};

TEST_F(AuthenticatorTest, BasicPasswords) {
    EXPECT_EQ(login(basic("anna:tulip")), "anna");
    EXPECT_EQ(login(basic("anna:rose")), "401");
    EXPECT_EQ(login(basic("anna:")), "401");
    EXPECT_EQ(login(basic("bert:tulip")), "401");
    EXPECT_EQ(login(basic(":tulip")), "401");
    EXPECT_EQ(login("bAsIc " + base64_encode("anna:tulip")), "anna");
    EXPECT_EQ(login("Basic !!!"), "400");
    EXPECT_EQ(login(basic("anna")), "nobody");
    for (const char *other : {"", "Basic", "Bearer x", "Digest username=anna"})
        EXPECT_EQ(login(other), "nobody") << other;
}

TEST_F(AuthenticatorTest, PasswordsMayHoldColons) {
    set("admins", "anna", authenticator_.admin_text("anna", "a:b:").value());
    EXPECT_EQ(login(basic("anna:a:b:")), "anna");
    EXPECT_EQ(login(basic("anna:a:b")), "401");
}

TEST_F(AuthenticatorTest, VerifiedPasswordsAreRememberedUntilTheyChange) {
    EXPECT_EQ(login(basic("anna:tulip")), "anna");
    EXPECT_EQ(pool_.count, 1);
    EXPECT_EQ(login(basic("anna:tulip")), "anna");
    EXPECT_EQ(pool_.count, 1);
    EXPECT_EQ(login(basic("anna:rose")), "401");
    EXPECT_EQ(login(basic("anna:rose")), "401");
    EXPECT_EQ(pool_.count, 3) << "wrong passwords are not remembered";
    set("admins", "anna", authenticator_.admin_text("anna", "rose").value());
    EXPECT_EQ(login(basic("anna:tulip")), "401");
    EXPECT_EQ(login(basic("anna:rose")), "anna");
    ASSERT_TRUE(config_->erase("admins", "anna", false).ok());
    EXPECT_EQ(login(basic("anna:rose")), "401");
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
    auto header = "AuthSession=" + cookie();
    clock_.advance(std::chrono::seconds(9));
    EXPECT_FALSE(authenticator_.should_renew(header));
    clock_.advance(std::chrono::seconds(1));
    EXPECT_TRUE(authenticator_.should_renew(header));
    EXPECT_FALSE(authenticator_.should_renew("AuthSession=x"));
    EXPECT_FALSE(authenticator_.should_renew(""));
}

TEST_F(AuthenticatorTest, TamperedCookiesAreNobody) {
    auto bytes = base64_decode(cookie()).value();
    for (std::size_t i = 0; i < bytes.size(); ++i)
        for (int bit : {1, 0x20}) {
            auto other = bytes;
            other[i] = static_cast<char>(other[i] ^ bit);
            EXPECT_NE(with_cookie(base64_url_encode(other)), "anna") << i;
        }
    EXPECT_NE(with_cookie(base64_url_encode(bytes.substr(0, bytes.size() - 1))), "anna");
    EXPECT_NE(with_cookie(base64_url_encode(bytes + "x")), "anna");
    for (const char *malformed : {"x", "!!!", "YW5uYQ", "YW5uYTp6OmE"})
        EXPECT_EQ(with_cookie(malformed), "400") << malformed;
}

TEST_F(AuthenticatorTest, CookiesDieWithTheSecretOrThePassword) {
    auto value = cookie();
    set("chttpd_auth", "secret", "another secret");
    EXPECT_EQ(with_cookie(value), "nobody");
    value = cookie();
    set("admins", "anna", authenticator_.admin_text("anna", "tulip").value()); // a new salt
    EXPECT_EQ(with_cookie(value), "nobody");
}

TEST_F(AuthenticatorTest, KnownDefaultPasswordsAreRefusedWhereOthersReachTheServer) {
    for (const char *password : {"password", "admin", "change_me", "anna"}) {
        EXPECT_TRUE(is_known_default_password("anna", password)) << password;
        authenticator_.set_exposed(true);
        EXPECT_EQ(authenticator_.admin_text("anna", password).error().code(), ErrorCode::bad_request);
        authenticator_.set_exposed(false);
        EXPECT_TRUE(authenticator_.admin_text("anna", password).ok());
    }
    EXPECT_FALSE(is_known_default_password("anna", "correct horse battery"));
    EXPECT_FALSE(authenticator_.admin_text("anna", "").ok());
}

TEST_F(AuthenticatorTest, PlainAdminsAreHashed) {
    set("admins", "bert", "password");
    set("admins", "cleo", "correct horse");
    authenticator_.set_exposed(true);
    EXPECT_FALSE(authenticator_.hash_plain_admins().ok());
    authenticator_.set_exposed(false);
    EXPECT_EQ(authenticator_.hash_plain_admins().value(), std::vector<std::string>{"bert"});
    for (const auto &[name, text] : config_->section("admins"))
        EXPECT_TRUE(crypto::is_hashed(text)) << name;
    EXPECT_EQ(login(basic("cleo:correct horse")), "cleo");
}

TEST(SessionCookie, IsFoundAmongOthers) {
    EXPECT_EQ(find_session_cookie("a=b; AuthSession=x; c=d"), "x");
    EXPECT_EQ(find_session_cookie("AuthSession=\"x\""), "x");
    EXPECT_EQ(find_session_cookie("AuthSession="), "");
    EXPECT_EQ(find_session_cookie("XAuthSession=x"), std::nullopt);
    EXPECT_EQ(find_session_cookie(""), std::nullopt);
}

// ---- the gate

class GateTest : public testing::Test {
  protected:
    GateTest()
        : engine_(kv::make_memory_engine()), random_(1), pool_(1),
          store_(db::open_store({*engine_, pool_, clock_, random_}, {}).value()), gate_(*store_, *config_) {
        EXPECT_TRUE(store_->create("db", {}).ok());
    }

    std::unique_ptr<config::Config> config_ = config::Config::load({}, "").value();
    std::unique_ptr<kv::Engine> engine_;
    ManualClock clock_;
    SeededRandom random_;
    ThreadPool pool_;
    std::unique_ptr<db::Store> store_;
    Gate gate_;
    const Principal admin_{"anna", {"_admin"}, "default"};
    const Principal user_{"bert", {}, "default"};
    const Principal nobody_;
};

TEST_F(GateTest, OnlyAdminsPass) {
    for (auto permission : {Permission::everybody, Permission::signed_in, Permission::server_admin,
                            Permission::database_member, Permission::database_admin})
        EXPECT_TRUE(gate_.authorize(admin_, permission).ok());
    EXPECT_TRUE(gate_.authorize(nobody_, Permission::everybody).ok());
    EXPECT_TRUE(gate_.authorize(user_, Permission::signed_in).ok());
    for (auto permission : {Permission::signed_in, Permission::server_admin, Permission::database_member,
                            Permission::database_admin})
        EXPECT_EQ(gate_.authorize(nobody_, permission).error().status(), 401);
    EXPECT_EQ(gate_.authorize(user_, Permission::server_admin).error().status(), 401);
    EXPECT_EQ(gate_.authorize(user_, Permission::database_member).error().status(), 403);
}

TEST_F(GateTest, SettingsAndRolesOpenWhatTheyName) {
    EXPECT_FALSE(gate_.authorize(nobody_, Permission::database_lister).ok());
    EXPECT_FALSE(gate_.catalog(nobody_, Permission::database_lister).ok());
    ASSERT_TRUE(config_->set("chttpd", "admin_only_all_dbs", "false", false).ok());
    EXPECT_TRUE(gate_.catalog(nobody_, Permission::database_lister).ok());
    EXPECT_FALSE(gate_.catalog(nobody_).ok());
    EXPECT_FALSE(gate_.authorize(user_, Permission::metrics_reader).ok());
    EXPECT_TRUE(gate_.authorize({"cleo", {"_metrics"}, "default"}, Permission::metrics_reader).ok());
}

TEST_F(GateTest, DatabasesAreOpenedForThoseWhoMay) {
    EXPECT_TRUE(gate_.open(admin_, Permission::database_member, "db").ok());
    EXPECT_EQ(gate_.open(nobody_, Permission::database_member, "db").error().status(), 401);
    EXPECT_EQ(gate_.open(nobody_, Permission::database_member, "none").error().status(), 404);
    EXPECT_EQ(gate_.open_cached(nobody_, Permission::database_member, "db").error().status(), 401);
    EXPECT_EQ(*gate_.open_cached(admin_, Permission::database_member, "none"), nullptr);
    EXPECT_FALSE(gate_.catalog(nobody_).ok());
    EXPECT_TRUE(gate_.catalog(admin_).ok());
}

} // namespace
} // namespace divan::access
