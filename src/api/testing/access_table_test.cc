// Every route and method of the route table, crossed with everybody who may ask: what the dispatcher and the
// gate answer stands in access_table.inc, which people wrote. A route without a line fails.

#include "api/testing/in_process_server.h"
#include "base/encoding.h"
#include "kv/memory/memory_engine.h"
#include "json/parser.h"

#include <future>
#include <gtest/gtest.h>
#include <map>
#include <set>
#include <sstream>

namespace divan::api {
namespace {

constexpr const char *kTable =
#include "api/testing/access_table.inc"
    ;

// That a handler is reached, and what of its database it was given.
Task<Result<void>> reached(Call &call) {
    int status = 200;
    if (call.database && call.database->hides_documents())
        status = 210;
    else if (call.database && call.database->hides_fields())
        status = 211;
    co_return co_await call.send_json(status, std::string("{}"));
}

std::vector<Route> stubbed_routes() {
    auto routes = all_routes();
    for (auto &route : routes)
        route.handler = reached;
    return routes;
}

struct Table {
    std::vector<std::string> principals;
    std::map<std::string, std::vector<int>> classes; // statuses, by principal
    std::map<std::string, std::string> routes;       // "METHOD PATTERN": class
};

Table read_table() {
    Table table;
    std::istringstream lines(kTable);
    for (std::string line; std::getline(lines, line);) {
        std::istringstream words(line);
        std::string first, second, third;
        if (!(words >> first) || first == "#")
            continue;
        if (first == "principals") {
            while (words >> second)
                table.principals.push_back(second);
        } else if (first == "class") {
            words >> second;
            for (int status = 0; words >> status;)
                table.classes[second].push_back(status);
            EXPECT_EQ(table.classes[second].size(), table.principals.size()) << second;
        } else {
            words >> second >> third;
            EXPECT_TRUE(table.routes.emplace(first + " " + second, third).second) << line << ": twice";
            EXPECT_TRUE(table.classes.contains(third)) << line;
        }
    }
    return table;
}

class AccessTableTest : public testing::Test {
  protected:
    AccessTableTest() {
        for (auto [key, value] : {std::pair{"iterations", "1"}, {"min_iterations", "1"}})
            EXPECT_TRUE(server_.config().set("chttpd_auth", key, value, false).ok());
        EXPECT_TRUE(server_.config().set("authorization", "rbac_enabled", "true", false).ok());
        EXPECT_TRUE(server_.store().create("_users", {}).ok());
        for (const auto *name : {"dev_x", "analytics_x", "public_x"}) {
            auto database = server_.store().create(name, {}).value();
            EXPECT_TRUE(
                database->set_security(R"({"admins":{"names":["u_dbadmin"]},"members":{"roles":["member"]}})")
                    .ok());
        }
        for (const auto *role : {"super_admin", "admin", "developer", "analyst", "reader", "member"})
            add_user(role, role);
        add_user("user", "");
        add_user("dbadmin", "");
        add_user("locked", "member");
        add_user("expired", "member");
        add_user("documents", "member");
        add_user("fields", "member");
        EXPECT_TRUE(server_.store().create("_policies", {}).ok());
        write("_policies", "d",
              R"({"type":"document_rule","databases":["*"],"users":["u_documents"],)"
              R"("filter":{"a":1},"permissions":["read","write"]})");
        write("_policies", "f",
              R"({"type":"field_rule","databases":["*"],"users":["u_fields"],"hide":["a"]})");
        old_cookie_ = server_.cookie_of("u_expired");
        server_.clock().advance(std::chrono::hours(24));
        admin_cookie_ = server_.cookie_of("admin");
    }

    void add_user(const std::string &name, const std::string &role) {
        write("_users", "org.couchdb.user:u_" + name,
              R"({"type":"user","name":"u_)" + name + R"(","password":"pw","roles":[)" +
                  (role.empty() ? "" : "\"" + role + "\"") + "]" +
                  (name == "locked" ? R"(,"locked":true)" : "") + "}");
    }

    // As a server admin.
    void write(const std::string &database, const std::string &id, std::string json) {
        db::Edit edit;
        edit.id = id;
        edit.json = std::move(json);
        std::promise<Result<db::Written>> promise;
        std::vector<db::Edit> edits;
        edits.push_back(std::move(edit));
        server_.store().open(database).value()->write(
            std::move(edits),
            db::WriteContext::user(R"({"db":")" + database + R"(","name":"admin","roles":["_admin"]})"),
            [&](auto answers) { promise.set_value(std::move(answers.front())); });
        ASSERT_TRUE(promise.get_future().get().ok()) << id;
    }

    net::Headers credentials(const std::string &principal) const {
        net::Headers headers;
        if (principal == "nobody")
            headers.add("Authorization", "");
        else if (principal == "expired")
            headers.add("Cookie", old_cookie_);
        else if (principal == "server_admin")
            headers.add("Cookie", admin_cookie_);
        else
            headers.add("Authorization", "Basic " + base64_encode("u_" + principal + ":pw"));
        return headers;
    }

    // A path of a pattern, in a database that the role of the principal is about.
    static std::string path_of(std::string_view pattern, const std::string &principal) {
        std::string path;
        while (!pattern.empty()) {
            auto begin = pattern.find('{');
            path.append(pattern.substr(0, begin));
            if (begin == std::string_view::npos)
                break;
            auto end = pattern.find('}', begin);
            auto name = pattern.substr(begin + 1, end - begin - 1);
            if (name == "db")
                path.append(principal == "analyst"  ? "analytics_x"
                            : principal == "reader" ? "public_x"
                                                    : "dev_x");
            else if (name == "node")
                path.append("_local");
            else
                path.append("x");
            pattern.remove_prefix(end + 1);
        }
        return path;
    }

    std::unique_ptr<kv::Engine> engine_ = kv::make_memory_engine();
    InProcessServer server_{*engine_, {}, stubbed_routes()};
    std::string old_cookie_;
    std::string admin_cookie_;
};

TEST_F(AccessTableTest, EveryRouteAndEverybody) {
    auto table = read_table();
    std::set<std::string> seen;
    for (const auto &route : all_routes()) {
        auto key = std::string(route.method) + " " + std::string(route.pattern);
        seen.insert(key);
        auto line = table.routes.find(key);
        if (line == table.routes.end()) {
            ADD_FAILURE() << "no line for: " << key;
            continue;
        }
        const auto &expected = table.classes[line->second];
        for (std::size_t i = 0; i < table.principals.size(); ++i) {
            const auto &principal = table.principals[i];
            auto method = route.method == kAnyMethod ? std::string("PATCH") : std::string(route.method);
            auto answer = server_.ask(method, path_of(route.pattern, principal), method == "GET" ? "" : "{}",
                                      credentials(principal));
            EXPECT_EQ(answer.status, expected[i]) << key << " by " << principal << ": " << answer.body;
        }
    }
    for (const auto &[key, name] : table.routes)
        EXPECT_TRUE(seen.contains(key)) << key << " is no route any more";
}

} // namespace
} // namespace divan::api
