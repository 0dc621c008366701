#pragma once

// A server's users in memory, for tests of this module.

#include "access/authenticator.h"
#include "access/write_guard.h"
#include "base/encoding.h"
#include "db/testing_validator.h"
#include "kv/memory/memory_engine.h"
#include "telemetry/log.h"
#include "json/parser.h"
#include "json/writer.h"

#include <future>
#include <gtest/gtest.h>

namespace divan::access {

// Runs work at once and counts it.
class InlinePool final : public Executor {
  public:
    void post(UniqueFunction<void()> work) override {
        ++count;
        work();
    }
    int count = 0;
};

// Has one user, bert, and counts how often it is asked.
class OneUserDirectory final : public Directory {
  public:
    bool enabled() const override { return on; }
    std::chrono::seconds remembered() const override { return std::chrono::seconds(60); }
    Result<std::optional<ExternalUser>> check_password(const std::string &name,
                                                       const std::string &given) override {
        ++asked;
        if (unreachable)
            return Error(ErrorCode::service_unavailable, "The directory cannot be reached.");
        std::optional<ExternalUser> nobody;
        if (name != "bert" || given != password)
            return nobody;
        return std::optional(ExternalUser{"ldap", name, roles, {}});
    }
    bool on = false;
    int asked = 0;
    bool unreachable = false;
    std::string password = "daisy";
    std::vector<std::string> roles = {"crew", "_admin"};
};

// The admin anna with the password tulip; users are written as the server's routes do.
class UsersFixture : public testing::Test {
  protected:
    UsersFixture() {
        set("chttpd_auth", "iterations", "10");
        set("chttpd_auth", "secret", "a secret");
        set("admins", "anna", admins_.admin_text("anna", "tulip").value());
        database_ = store_->create("_users", {}).value();
    }
    ~UsersFixture() override { pool_.stop(); }

    void set(const char *section, const char *key, std::string value) {
        ASSERT_TRUE(config_->set(section, key, std::move(value), false).ok());
    }

    static std::string context(const std::string &name, const std::string &roles = "[]") {
        return R"({"db":"_users","name":)" + (name.empty() ? "null" : "\"" + name + "\"") + R"(,"roles":)" +
               roles + "}";
    }

    // "2-..." or "403 why".
    std::string write_as(const std::string &user_context, const std::string &id, const std::string &json,
                         bool deleted = false) {
        db::Edit edit;
        edit.id = id;
        edit.json = json;
        edit.deleted = deleted;
        if (auto head = database_->head(id).value(); head && !head->deleted)
            edit.parent = head->rev;
        return write_edit(user_context, std::move(edit));
    }

    std::string write_edit(const std::string &user_context, db::Edit edit) {
        std::promise<Result<db::Written>> promise;
        std::vector<db::Edit> edits;
        edits.push_back(std::move(edit));
        database_->write(
            std::move(edits), db::WriteContext::user(user_context),
            [&](std::vector<Result<db::Written>> answers) { promise.set_value(std::move(answers.front())); });
        auto written = promise.get_future().get();
        return written.ok() ? written->rev.text()
                            : std::to_string(written.error().status()) + " " + written.error().reason();
    }

    std::string put_user(const std::string &name, const std::string &members) {
        return write_as(context("anna", R"(["_admin"])"), "org.couchdb.user:" + name,
                        R"({"type":"user","name":")" + name + R"(",)" + members + "}");
    }

    json::Object read_document(const std::string &name) {
        auto head = database_->head("org.couchdb.user:" + name).value();
        return json::parse(head->body->json).value().object();
    }

    // "bert" or the status.
    static std::string outcome(const Result<Principal> &principal) {
        if (!principal.ok())
            return std::to_string(principal.error().status());
        return principal->anonymous() ? "nobody" : principal->name;
    }

    Result<Principal> authenticate(const net::RequestHead &head) {
        if (auto quick = authenticator_.authenticate_quickly(head))
            return std::move(*quick);
        std::optional<Result<Principal>> slow;
        spawn(await(head, slow), [] {});
        return std::move(*slow);
    }

    Task<void> await(const net::RequestHead &head, std::optional<Result<Principal>> &out) {
        auto principal = co_await authenticator_.authenticate(head, home_);
        out.emplace(std::move(principal));
    }

    Result<Principal> log_in(std::string name, std::string_view password, std::string_view token = "") {
        std::optional<Result<Principal>> out;
        Login login{std::move(name), crypto::Secret(password), crypto::Secret(token), "192.0.2.1", {}};
        spawn(await_login(std::move(login), out), [] {});
        return std::move(*out);
    }

    Task<void> await_login(Login login, std::optional<Result<Principal>> &out) {
        auto principal = co_await authenticator_.log_in(std::move(login), home_);
        out.emplace(std::move(principal));
    }

    static net::RequestHead head_with(std::string name, std::string value) {
        net::RequestHead head;
        head.remote_address = "192.0.2.1";
        head.headers.add(std::move(name), std::move(value));
        return head;
    }
    static net::RequestHead basic(const std::string &pair, const std::string &address = "192.0.2.1") {
        auto head = head_with("Authorization", "Basic " + base64_encode(pair));
        head.remote_address = address;
        return head;
    }

    std::unique_ptr<config::Config> config_ = config::Config::load({}, "").value();
    ManualClock clock_;
    SeededRandom random_{1};
    ThreadPool pool_{2};
    InlinePool home_, reads_, hashes_;
    telemetry::Logger log_{clock_, "", "", telemetry::Level::none};
    Admins admins_{*config_, random_};
    SessionCookies cookies_{*config_, clock_};
    db::NoValidator no_validator_;
    WriteGuard guard_{no_validator_, {*config_, clock_, random_, cookies_}};
    std::unique_ptr<kv::Engine> engine_ = kv::make_memory_engine();
    std::unique_ptr<db::Store> store_ =
        db::open_store({*engine_, pool_, clock_, random_, &guard_}, {}).value();
    std::shared_ptr<db::Database> database_;
    Users users_{*config_, admins_, *store_};
    OneUserDirectory directory_;
    Authenticator authenticator_{
        {*config_, clock_, random_, reads_, hashes_, users_, cookies_, log_, &directory_}};
};

} // namespace divan::access
