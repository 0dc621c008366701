#include "api/rewrite_rules.h"

#include "json/parser.h"

#include <gtest/gtest.h>

namespace divan::api {
namespace {

class RewriteRulesTest : public testing::Test {
  protected:
    std::string apply(const std::string &rules, std::vector<std::string> path, const std::string &query = "",
                      const std::string &method = "GET") {
        auto parsed_query = net::Query::parse(query).value();
        auto parsed = json::parse(rules).value();
        auto target = apply_rewrite_rules(parsed.array(), request(std::move(path), parsed_query, method));
        return target.ok() ? *target : std::string(target.error().word());
    }

    std::string read(const std::string &json, const std::string &query = "a=1") {
        auto parsed_query = net::Query::parse(query).value();
        auto answer = read_rewrite_answer(json, request({}, parsed_query, "GET"));
        if (!answer.ok())
            return std::string(answer.error().word()) + ": " + answer.error().reason();
        return (answer->status ? std::to_string(*answer->status) : answer->method + " " + answer->target) +
               " " + answer->body.value_or("-");
    }

    RewriteRequest request(std::vector<std::string> path, const net::Query &query,
                           const std::string &method) {
        return {method, "d/b", "app", std::move(path), &query, secure_};
    }

    bool secure_ = true;
};

TEST_F(RewriteRulesTest, TheFirstRuleThatFits) {
    const std::string rules = R"([
        {"from":"/doc/:id","to":"../../:id"},
        {"from":"/by/:k","to":"_view/v","query":{"key":":k"}},
        {"from":"/all","to":"../../_all_docs","query":{"limit":"1","descending":true}},
        {"from":"/s/*","to":"_show/s/*"},
        {"from":"/post","to":"../../x","method":"POST"},
        {"from":"","to":"index.html"}])";
    EXPECT_EQ(apply(rules, {"doc", "a b/c"}), "/d%2Fb/a%20b%2Fc?id=a%20b%2Fc");
    EXPECT_EQ(apply(rules, {"by", "x"}), "/d%2Fb/_design/app/_view/v?k=x&key=%22x%22");
    EXPECT_EQ(apply(rules, {"all"}, "limit=5&x=y"), "/d%2Fb/_all_docs?x=y&limit=1&descending=true");
    EXPECT_EQ(apply(rules, {"s", "a", "b"}, "key=1"), "/d%2Fb/_design/app/_show/s/a/b?key=1");
    EXPECT_EQ(apply(rules, {"post"}), "not_found");
    EXPECT_EQ(apply(rules, {"post"}, "", "POST"), "/d%2Fb/x");
    EXPECT_EQ(apply(rules, {}), "/d%2Fb/_design/app/index.html");
    EXPECT_EQ(apply(rules, {"nope"}), "not_found");
    EXPECT_EQ(apply("[]", {}), "not_found");
    EXPECT_EQ(apply(R"([{"to":"../../a"},1])", {"any", "thing"}), "/d%2Fb/a");
    EXPECT_EQ(apply(R"([{"from":"x"}])", {"x"}), "invalid_rewrite_target");
}

TEST_F(RewriteRulesTest, VariablesAreNumbersIfTheRuleSaysSo) {
    EXPECT_EQ(
        apply(R"([{"from":"/:k/:b","to":"_view/v","query":{"startkey":[":k",":none",2],"key":":k","x":":b"},
                         "formats":{"k":"int","b":"bool"}}])",
              {"7", "TRUE"}),
        "/d%2Fb/_design/app/_view/v?b=TRUE&k=7&startkey=%5B7%2C%22%3Anone%22%2C2%5D&key=7&x=true");
}

TEST_F(RewriteRulesTest, SecureTargetsStayInTheDatabase) {
    const std::string up = R"([{"from":"/a","to":"../../a"},{"from":"/up","to":"../../../_all_dbs"}])";
    EXPECT_EQ(apply(up, {"a"}), "insecure_rewrite_rule"); // one such rule spoils all, as in CouchDB
    const std::string variable = R"([{"from":"/:a/:b","to":"../../:a/:b"}])";
    EXPECT_EQ(apply(variable, {"..", "_all_dbs"}), "insecure_rewrite_rule");
    EXPECT_EQ(read(R"("../../../_all_dbs")"),
              "insecure_rewrite_rule: The target is outside of the database.");
    secure_ = false;
    EXPECT_EQ(apply(up, {"up"}), "/_all_dbs");
    EXPECT_EQ(read(R"("../../../_all_dbs")"), " /_all_dbs?a=1 -");
}

TEST_F(RewriteRulesTest, AnswersOfFunctions) {
    EXPECT_EQ(read(R"("../../d0")"), " /d%2Fb/d0?a=1 -");
    EXPECT_EQ(read(R"({"path":"x?y=1","method":"PUT","body":"b"})"), "PUT /d%2Fb/_design/app/x?y=1 b");
    EXPECT_EQ(read(R"({"path":"/x","query":{"q":"a b"}})"), " /d%2Fb/_design/app/x?q=a%20b -");
    EXPECT_EQ(read(R"({"code":418,"body":"tea"})"), "418 tea");
    for (const char *falsy : {"null", "false", "0", "\"\""})
        EXPECT_EQ(read(falsy), "rewrite_error: Invalid path.") << falsy;
    EXPECT_EQ(read("[]"), "rewrite_error: bad rewrite");
    EXPECT_EQ(read("{}"), "rewrite_error: Rewrite result must produce a new path.");
    for (const char *member : {"path", "method", "body", "headers", "query", "code"})
        EXPECT_EQ(read(R"({"path":"x",")" + std::string(member) + R"(":true})"),
                  "rewrite_error: bad " + std::string(member));
    EXPECT_EQ(read(R"({"path":"x","query":{"a":1}})"), "rewrite_error: object key/value must be strings a=1");
    EXPECT_EQ(read(R"({"code":99})"), "rewrite_error: bad code");
}

} // namespace
} // namespace divan::api
