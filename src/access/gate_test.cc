#include "access/gate.h"
#include "config/config.h"
#include "db/store.h"
#include "kv/memory/memory_engine.h"

#include <gtest/gtest.h>

namespace divan::access {
namespace {

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
                            Permission::database_reader, Permission::database_admin})
        EXPECT_TRUE(gate_.authorize(admin_, permission).ok());
    EXPECT_TRUE(gate_.authorize(nobody_, Permission::everybody).ok());
    EXPECT_TRUE(gate_.authorize(user_, Permission::signed_in).ok());
    for (auto permission : {Permission::signed_in, Permission::server_admin, Permission::database_reader,
                            Permission::database_admin})
        EXPECT_EQ(gate_.authorize(nobody_, permission).error().status(), 401);
    EXPECT_EQ(gate_.authorize(user_, Permission::server_admin).error().status(), 401);
    EXPECT_EQ(gate_.authorize(user_, Permission::database_reader).error().status(), 403);
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

TEST_F(GateTest, AuditorsAreThoseOfTheSetting) {
    Principal cleo{"cleo", {"auditor"}, "default"};
    EXPECT_TRUE(gate_.authorize(admin_, Permission::auditor).ok());
    EXPECT_TRUE(gate_.authorize(cleo, Permission::auditor).ok());
    EXPECT_EQ(gate_.authorize(user_, Permission::auditor).error().status(), 403);
    EXPECT_EQ(gate_.authorize(nobody_, Permission::auditor).error().status(), 401);
    ASSERT_TRUE(config_->set("audit", "roles", "revision, other", false).ok());
    EXPECT_FALSE(gate_.authorize(cleo, Permission::auditor).ok());
}

TEST_F(GateTest, DatabasesAreOpenedForThoseWhoMay) {
    EXPECT_TRUE(gate_.open(admin_, Permission::database_reader, "db").ok());
    EXPECT_EQ(gate_.open(nobody_, Permission::database_reader, "db").error().status(), 401);
    EXPECT_EQ(gate_.open(nobody_, Permission::database_reader, "none").error().status(), 404);
    EXPECT_EQ(gate_.open_cached(nobody_, Permission::database_reader, "db").error().status(), 401);
    EXPECT_EQ(*gate_.open_cached(admin_, Permission::database_reader, "none"), nullptr);
    EXPECT_FALSE(gate_.catalog(nobody_).ok());
    EXPECT_TRUE(gate_.catalog(admin_).ok());
}

TEST_F(GateTest, SecurityNamesMembersAndAdmins) {
    auto database = store_->open("db").value();
    auto ask = [&](const Principal &principal, Permission permission) {
        auto opened = gate_.open(principal, permission, "db");
        return opened.ok() ? std::string("ok")
                           : std::to_string(opened.error().status()) + " " + opened.error().reason();
    };
    const Principal chief{"cleo", {}, "default"};
    const Principal member{"dora", {"crew"}, "default"};
    ASSERT_TRUE(database->set_security(R"({"admins":{"names":["cleo"]},"members":{"roles":["crew"]}})").ok());
    EXPECT_EQ(ask(nobody_, Permission::database_reader), "401 You are not authorized to access this db.");
    EXPECT_EQ(ask(user_, Permission::database_reader), "403 You are not allowed to access this db.");
    for (auto permission : {Permission::database_admin, Permission::database_owner}) {
        EXPECT_EQ(ask(nobody_, permission), "401 You are not authorized to access this db.");
        EXPECT_EQ(ask(user_, permission), "403 You are not allowed to access this db.");
        EXPECT_EQ(ask(chief, permission), "ok");
        EXPECT_EQ(ask(admin_, permission), "ok");
    }
    EXPECT_EQ(ask(member, Permission::database_reader), "ok");
    EXPECT_EQ(ask(member, Permission::database_admin), "401 You are not a server or db admin.");
    EXPECT_EQ(ask(member, Permission::database_owner), "403 You are not a db or server admin.");
    EXPECT_EQ(ask(chief, Permission::database_reader), "ok");
    EXPECT_EQ(ask(chief, Permission::server_admin), "401 You are not a server admin.");
    EXPECT_EQ(gate_.open(user_, Permission::server_admin, "none").error().status(), 401);

    // No members: everybody. An older name of them. What cannot be understood names nobody.
    ASSERT_TRUE(database->set_security("{}").ok());
    EXPECT_EQ(ask(nobody_, Permission::database_reader), "ok");
    EXPECT_EQ(ask(nobody_, Permission::database_owner), "401 You are not a server or db admin.");
    ASSERT_TRUE(database->set_security(R"({"readers":{"names":["bert"]}})").ok());
    EXPECT_EQ(ask(user_, Permission::database_reader), "ok");
    EXPECT_EQ(ask(chief, Permission::database_reader), "403 You are not allowed to access this db.");
    ASSERT_TRUE(database->set_security(R"({"admins":7,"members":{"names":"bert","roles":[1,"crew"]}})").ok());
    EXPECT_EQ(ask(user_, Permission::database_reader), "403 You are not allowed to access this db.");
    EXPECT_EQ(ask(member, Permission::database_reader), "ok");
}

TEST_F(GateTest, SystemDatabasesAreListedByServerAdmins) {
    using enum Permission;
    EXPECT_EQ(gate_.in_system_database(database_reader, "db", "GET", "/_all_docs"), database_reader);
    for (const char *name : {"_users", "_replicator", "x/_replicator"})
        for (const char *pattern : {"/_all_docs", "/_all_docs/queries", "/_changes", "/_changes/{rest...}"})
            EXPECT_EQ(gate_.in_system_database(database_reader, name, "GET", pattern), server_admin)
                << name << pattern;
    for (const char *pattern : {"/_find", "/_bulk_get", "/_design/{ddoc}/_view/{view}", "/_local/{localid}",
                                "/_revs_diff", "/_index", "/_bulk_docsx"})
        EXPECT_EQ(gate_.in_system_database(database_reader, "_users", "POST", pattern), database_admin)
            << pattern;
    EXPECT_EQ(gate_.in_system_database(server_admin, "_users", "POST", "/_purge"), server_admin);
    EXPECT_EQ(gate_.in_system_database(database_reader, "_global_changes", "GET", ""), server_admin);
    for (const char *pattern : {"", "/{docid}", "/{docid}/{attname...}", "/_bulk_docs"})
        EXPECT_EQ(gate_.in_system_database(database_reader, "_users", "POST", pattern), database_reader)
            << pattern;
    EXPECT_EQ(gate_.in_system_database(database_reader, "_replicator", "GET", "/{docid}"), database_reader);
}

TEST_F(GateTest, DocumentsOfUsersAreShownToTheirUser) {
    auto database = store_->create("_users", {}).value();
    ASSERT_TRUE(database->set_security("{}").ok());
    auto ask = [&](const Principal &principal, std::string_view id) {
        auto shown = gate_.show_document(principal, database, id);
        return shown.ok() ? 200 : shown.error().status();
    };
    EXPECT_EQ(ask(user_, "org.couchdb.user:bert"), 200);
    EXPECT_EQ(ask(user_, "org.couchdb.user:cleo"), 404);
    EXPECT_EQ(ask(user_, "bert"), 404);
    EXPECT_EQ(ask(nobody_, "org.couchdb.user:"), 404);
    EXPECT_EQ(ask(user_, "_design/d"), 403);
    EXPECT_EQ(ask(admin_, "_design/d"), 200);
    EXPECT_EQ(ask(admin_, "org.couchdb.user:cleo"), 200);
    EXPECT_TRUE(gate_.show_document(user_, store_->open("db").value(), "anything").ok());
}

} // namespace
} // namespace divan::access
