#include "access/gate.h"
#include "access/standing.h"
#include "access/testing_users.h"

#include <gmock/gmock.h>

namespace divan::access {
namespace {

class PoliciesTest : public UsersFixture {
  protected:
    PoliciesTest() {
        guard_.set_policies(gate_.policies());
        EXPECT_TRUE(store_->create("crew_a", {}).ok());
        EXPECT_TRUE(store_->open("crew_a").value()->set_security(R"({"members":{"roles":["_admin"]}})").ok());
    }

    // As write_as(), into the policies.
    std::string policy(const std::string &id, const std::string &json, bool deleted = false) {
        if (auto made = store_->create("_policies", {}); made.ok())
            policies_database_ = *made;
        auto users = std::exchange(database_, policies_database_);
        auto answer = write_as(R"({"db":"_policies","name":"anna","roles":["_admin"]})", id, json, deleted);
        database_ = users;
        return answer;
    }

    // "" or the status.
    std::string ask(const Principal &who, Permission permission, const std::string &database) {
        auto opened = gate_.open(who, permission, database);
        if (opened.ok()) {
            EXPECT_TRUE(gate_.open_cached(who, permission, database).ok());
            return "";
        }
        return std::to_string(opened.error().status());
    }

    static constexpr const char *kCrew =
        R"({"type":"role","name":"crew","permissions":["read"],"databases":["crew_*"]})";

    Gate gate_{*store_, *config_};
    std::shared_ptr<db::Database> policies_database_;
    const Principal bert_{"bert", {"crew"}, "default"};
};

TEST_F(PoliciesTest, TheyAreInForceWithTheAcknowledgement) {
    EXPECT_EQ(ask(bert_, Permission::database_reader, "crew_a"), "403");
    EXPECT_EQ(policy("crew", kCrew).substr(0, 2), "1-");
    EXPECT_EQ(ask(bert_, Permission::database_reader, "crew_a"), "");
    for (auto permission : {Permission::database_writer, Permission::database_checkpointer,
                            Permission::database_designer, Permission::database_owner})
        EXPECT_EQ(ask(bert_, permission, "crew_a"), "403");
    EXPECT_EQ(ask(bert_, Permission::database_admin, "crew_a"), "401");
    EXPECT_EQ(ask({"cleo", {}, "default"}, Permission::database_reader, "crew_a"), "403");
    policy("crew", "{}", true);
    EXPECT_EQ(ask(bert_, Permission::database_reader, "crew_a"), "403");
}

TEST_F(PoliciesTest, WhatIsNoneIsNotStored) {
    EXPECT_THAT(policy("x", R"({"type":"role","name":"crew"})"),
                testing::StartsWith("403 This is no policy"));
    EXPECT_EQ(policy("_design/d", "{}").substr(0, 2), "1-");
}

TEST_F(PoliciesTest, GrantsOfTheCatalog) {
    policy("crew", R"({"type":"role","name":"crew","permissions":["create_db"],"databases":["crew_*"]})");
    EXPECT_TRUE(gate_.catalog(bert_, Permission::database_creator, "crew_b").ok());
    EXPECT_EQ(gate_.catalog(bert_, Permission::database_creator, "other").error().status(), 401);
    EXPECT_EQ(gate_.catalog(bert_, Permission::database_deleter, "crew_b").error().status(), 401);
    EXPECT_EQ(gate_.catalog(bert_).error().status(), 401);
}

TEST_F(PoliciesTest, AnotherTenantsDatabaseIsNotThere) {
    policy("crew", kCrew);
    policy("t", R"({"type":"tenant","name":"acme","database_prefix":"crew_","users":["anna"]})");
    EXPECT_EQ(ask(bert_, Permission::database_reader, "crew_a"), "404");
    EXPECT_EQ(gate_.open(bert_, Permission::database_reader, "crew_a").error().reason(),
              gate_.open(bert_, Permission::database_reader, "crew_none").error().reason());
    EXPECT_FALSE(gate_.lists(bert_, "crew_a").value());
    EXPECT_TRUE(gate_.lists(bert_, "other").value());
}

TEST_F(PoliciesTest, DesignDocumentsByRole) {
    policy("crew", R"({"type":"role","name":"crew","permissions":["write"],"databases":["crew_*"]})");
    auto users = std::exchange(database_, store_->open("crew_a").value());
    auto write = [&] {
        return write_as(R"({"db":"crew_a","name":"bert","roles":["crew"]})", "_design/d", "{}").substr(0, 3);
    };
    EXPECT_EQ(write(), "403");
    std::swap(users, database_);
    policy("crew", R"({"type":"role","name":"crew","permissions":["design"],"databases":["crew_*"]})");
    std::swap(users, database_);
    EXPECT_EQ(write().substr(0, 2), "1-");
}

TEST_F(PoliciesTest, ARoleMakesAServerAdminAndTakesItBack) {
    set("authorization", "rbac_enabled", "true");
    put_user("bert", R"("roles":["super_admin"],"password":"daisy")");
    Authenticator authenticator{{.config = *config_,
                                 .clock = clock_,
                                 .random = random_,
                                 .engine_pool = reads_,
                                 .login_pool = hashes_,
                                 .users = users_,
                                 .cookies = cookies_,
                                 .log = log_,
                                 .policies = &gate_.policies()}};
    Principal principal{"bert", {"super_admin"}, "default"};
    principal.account = users_.find("bert").value();
    ASSERT_TRUE(authenticator.elevate(principal).ok());
    EXPECT_TRUE(principal.is_server_admin());
    Standing standing(authenticator, principal);
    EXPECT_TRUE(standing.holds());
    EXPECT_EQ(standing.holds_cached(), std::optional(true));
    policy("super", R"({"type":"role","name":"super_admin","permissions":["read"],"databases":["a"]})");
    EXPECT_EQ(standing.holds_cached(), std::nullopt);
    EXPECT_FALSE(standing.holds());
}

TEST_F(PoliciesTest, WhatIsForbiddenEndsWhatIsUnderWay) {
    policy("crew", kCrew);
    Standing standing(authenticator_, bert_);
    standing.need(gate_, Permission::database_reader,
                  *gate_.open(bert_, Permission::database_reader, "crew_a").value());
    // One that is yet to be made, or not for this user, is no reason to end.
    standing.need(gate_, Permission::database_writer, "crew_b");
    EXPECT_TRUE(standing.holds());
    policy("crew", "{}", true);
    EXPECT_FALSE(standing.holds());
}

} // namespace
} // namespace divan::access
