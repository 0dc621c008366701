#include "access/document_access.h"
#include "access/policy_set.h"
#include "json/parser.h"
#include "json/writer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace divan::access {
namespace {

using testing::HasSubstr;

json::Value parse(const std::string &text) {
    return json::parse(text).value();
}

std::string filled(const std::string &filter, const RuleUser &user) {
    auto value = fill_template(parse(filter), user);
    return value ? json::to_text(*value) : std::string("nothing");
}

std::string refusal(const std::string &text) {
    auto policy = read_policy(parse(text).object());
    return policy.ok() ? std::string() : policy.error().reason();
}

RuleUser anna() {
    RuleUser user{"anna", {"red", "member"}, {}};
    user.attributes = parse(R"({"squad":"blue","level":3,"teams":["a","b"],"evil":{"$gt":null}})").object();
    return user;
}

class DocumentAccessTest : public testing::Test {
  protected:
    std::shared_ptr<const DocumentAccess> make(std::initializer_list<const char *> texts,
                                               const Principal &principal,
                                               const std::string &attributes = "{}") {
        PolicySet set({});
        int number = 0;
        for (const auto *text : texts)
            set.add(read_policy(parse(text).object(), "p" + std::to_string(number++)).value());
        return set.document_access(principal, parse(attributes).object(), "db", {}, cipher_).value();
    }

    const crypto::BlockCipher cipher_{crypto::Secret(std::string(32, 'k'))};
    const Principal anna_{"anna", {"red"}, "default"};
};

TEST(RuleTemplate, PlaceholdersStandForTheUser) {
    EXPECT_EQ(filled(R"({"o":"{user.name}","i":"{user.id}"})", anna()), R"({"o":"anna","i":"anna"})");
    EXPECT_EQ(filled(R"({"t":{"$in":"{user.roles}"}})", anna()), R"({"t":{"$in":["red","member"]}})");
    EXPECT_EQ(
        filled(R"({"s":"{user.squad}","l":"{user.level}","k":["x-{user.squad}-{user.level}"]})", anna()),
        R"({"s":"blue","l":3,"k":["x-blue-3"]})");
    EXPECT_EQ(filled(R"({"t":{"$in":"{user.teams}"}})", anna()), R"({"t":{"$in":["a","b"]}})");
    // What is not there matches nothing, and an attribute is never an operator.
    for (const auto *filter :
         {R"({"s":"{user.none}"})", R"({"s":"{user.evil}"})", R"({"s":"a{user.teams}"})"})
        EXPECT_EQ(filled(filter, anna()), "nothing") << filter;
    EXPECT_EQ(filled(R"({"s":"{user.name}"})", RuleUser{}), "nothing") << "nobody has no name";
    EXPECT_TRUE(check_template(parse(R"({"a":"{user.name}","b":"{other}","c":"{"})")).ok());
    EXPECT_FALSE(check_template(parse(R"({"a":["{user."]})")).ok());
    EXPECT_FALSE(check_template(parse(R"({"a":{"$or":[{"$regex":"^{user.name}"}]}})")).ok());
    EXPECT_TRUE(names_attributes(parse(R"([{"a":"x {user.squad}"}])")));
    EXPECT_FALSE(names_attributes(parse(R"({"a":"{user.name} {user.roles} {user.id}"})")));
}

TEST(DocumentPolicy, WhatIsNoneSaysWhy) {
    const std::string rule = R"({"type":"document_rule","databases":["*"],)";
    EXPECT_EQ(refusal(rule + R"("filter":{"a":"{user.name}"},"permissions":["read"]})"), "");
    for (auto [text, why] :
         {std::pair{R"("permissions":["read"]})", "`filter`"},
          {R"("filter":{"a":{"$foo":1}},"permissions":["read"]})", "no selector"},
          {R"("filter":{"a":"{user."},"permissions":["read"]})", "placeholder"},
          {R"("filter":{"a":1},"permissions":["design"]})", "no permission `design`"},
          {R"("filter":{"a":1}})", "`permissions`"},
          {R"("filter":{"a":1},"permissions":["read"],"safe_views":["v"]})", "design/view"},
          {R"("filter":{"a":1},"permissions":["read"],"role":["x"]})", "no member `role`"}})
        EXPECT_THAT(refusal(rule + text), HasSubstr(why)) << text;
    const std::string classes = R"({"type":"classification","databases":["*"],"field":"s.l",)";
    EXPECT_EQ(refusal(classes + R"("levels":["a","b"],"clearances":{"red":"b"},"default_level":"a"})"), "");
    for (auto [text, why] : {std::pair{R"("levels":["a"]})", "two or more"},
                             {R"("levels":["a","a"]})", "two or more"},
                             {R"("levels":["a","b"],"default_level":"c"})", "`c` is none"},
                             {R"("levels":["a","b"],"clearances":{"red":"c"}})", "`c` is none"},
                             {R"("levels":["a","b"],"clearances":["a"]})", "maps roles"}})
        EXPECT_THAT(refusal(classes + text), HasSubstr(why)) << text;
}

TEST_F(DocumentAccessTest, OneRuleIsEnoughAndNoneIsNot) {
    auto access = make({R"({"type":"document_rule","databases":["db"],"permissions":["read","write"],)"
                        R"("filter":{"owner":"{user.name}"}})",
                        R"({"type":"document_rule","databases":["d*"],"permissions":["read"],)"
                        R"("filter":{"team":{"$in":"{user.roles}"}},"safe_views":["d/v"]})"},
                       anna_);
    ASSERT_NE(access, nullptr);
    EXPECT_TRUE(access->shows("a", R"({"owner":"anna"})"));
    EXPECT_TRUE(access->shows("a", R"({"team":"red"})"));
    EXPECT_FALSE(access->shows("a", R"({"team":"blue"})"));
    EXPECT_FALSE(access->shows("a", "{}"));
    EXPECT_TRUE(access->may_write("a", R"({"owner":"anna"})"));
    EXPECT_FALSE(access->may_write("a", R"({"team":"red"})"));
    EXPECT_TRUE(access->is_open_view("d/v"));
    EXPECT_FALSE(access->is_open_view("d/w"));
}

TEST_F(DocumentAccessTest, RulesBindWhomTheyName) {
    const char *rule = R"({"type":"document_rule","databases":["db"],"permissions":["read"],"roles":["red"],)"
                       R"("except_roles":["chief"],"filter":{"a":1}})";
    EXPECT_NE(make({rule}, anna_), nullptr);
    EXPECT_EQ(make({rule}, {"anna", {"red", "chief"}, ""}), nullptr);
    EXPECT_EQ(make({rule}, {"anna", {"blue"}, ""}), nullptr);
    EXPECT_EQ(make({rule}, {"anna", {"red", "_admin"}, ""}), nullptr);
    const char *everybody =
        R"({"type":"document_rule","databases":["*"],"permissions":["read"],"filter":{"a":1}})";
    EXPECT_NE(make({everybody}, Principal()), nullptr) << "also nobody";
}

TEST_F(DocumentAccessTest, ClearanceIsALevelOrderedFromBelow) {
    const char *classes = R"({"type":"classification","databases":["db"],"field":"l","levels":["a","b","c"],)"
                          R"("clearances":{"red":"b","low":"a"},"default_level":"b"})";
    auto red = make({classes}, {"anna", {"low", "red"}, ""});
    EXPECT_TRUE(red->shows("x", R"({"l":"a"})"));
    EXPECT_TRUE(red->shows("x", R"({"l":"b"})"));
    EXPECT_TRUE(red->shows("x", "{}")) << "the default level";
    for (const auto *json : {R"({"l":"c"})", R"({"l":"unknown"})", R"({"l":["a","c"]})", R"({"l":null})"})
        EXPECT_FALSE(red->shows("x", json)) << json;
    EXPECT_FALSE(red->may_write("x", R"({"l":"c"})"));
    auto low = make({classes}, {"anna", {"low"}, ""});
    EXPECT_FALSE(low->shows("x", "{}"));
    EXPECT_FALSE(make({classes}, {"anna", {}, ""})->shows("x", R"({"l":"a"})")) << "no clearance";
    EXPECT_TRUE(make({classes}, {"anna", {}, ""}, R"({"clearance":"c"})")->shows("x", R"({"l":"c"})"));
}

TEST_F(DocumentAccessTest, SequencesAreSealedForTheseRules) {
    const char *own = R"({"type":"document_rule","databases":["db"],"permissions":["read"],)"
                      R"("filter":{"owner":"{user.name}"}})";
    auto anna = make({own}, anna_);
    std::string sealed;
    anna->append_sealed(sealed, "1234-g1AAAA");
    EXPECT_EQ(sealed.substr(0, 4), "0-g2");
    EXPECT_EQ(sealed.find("1234"), std::string::npos);
    EXPECT_EQ(anna->unseal(sealed), std::optional<std::string>("1234-g1AAAA"));
    EXPECT_EQ(anna->unseal("\"" + sealed + "\""), std::optional<std::string>("1234-g1AAAA"));
    EXPECT_EQ(make({own}, anna_)->unseal(sealed), std::optional<std::string>("1234-g1AAAA"));
    EXPECT_EQ(make({own}, {"bert", {}, ""})->unseal(sealed), std::nullopt);
    for (const char *token : {"", "0", "7", "1234-g1AAAA", "0-g2", "0-g2zz"})
        EXPECT_EQ(anna->unseal(token), std::nullopt) << token;
    // Of all texts of that form one in 2^64 is taken.
    EXPECT_EQ(anna->unseal("0-g2" + std::string(32, '0')), std::nullopt);
}

TEST_F(DocumentAccessTest, SelectorsOfIdsSeeTheId) {
    auto access = make({R"({"type":"document_rule","databases":["db"],"permissions":["read"],)"
                        R"("filter":{"_id":{"$gt":"m"}}})"},
                       anna_);
    EXPECT_TRUE(access->shows("n", R"({"a":1})"));
    EXPECT_TRUE(access->shows("n", "{}"));
    EXPECT_TRUE(access->shows("n", R"({"_id":"n","a":1})"));
    EXPECT_FALSE(access->shows("a", R"({"a":1})"));
}

} // namespace
} // namespace divan::access
