#include "access/name_pattern.h"
#include "access/policy_set.h"
#include "json/parser.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace divan::access {
namespace {

using testing::HasSubstr;

Result<Policy> read(const std::string &text) {
    return read_policy(json::parse(text).value().object());
}

// "" or why it is no policy.
std::string refusal(const std::string &text) {
    auto policy = read(text);
    return policy.ok() ? std::string() : policy.error().reason();
}

PolicySet set_of(std::initializer_list<const char *> texts, PolicySet::Options options = {}) {
    PolicySet set(std::move(options));
    for (const auto *text : texts)
        set.add(read(text).value());
    return set;
}

Principal principal(std::string name, std::vector<std::string> roles = {}) {
    return {std::move(name), std::move(roles), "default"};
}

TEST(NamePattern, StarsStandForAnything) {
    for (auto [pattern, name] : {std::pair{"*", ""},
                                 {"*", "a"},
                                 {"dev_*", "dev_"},
                                 {"dev_*", "dev_a/b"},
                                 {"*_eu", "a_b_eu"},
                                 {"a*b*c", "axxbyyc"},
                                 {"a*b*c", "abcbc"},
                                 {"db", "db"}})
        EXPECT_TRUE(matches_pattern(pattern, name)) << pattern << " " << name;
    for (auto [pattern, name] : {std::pair{"", "a"},
                                 {"dev_*", "dev"},
                                 {"dev_*", "xdev_a"},
                                 {"*_eu", "a_eu2"},
                                 {"a*b*c", "axxcyyb"},
                                 {"db", "db2"},
                                 {"db", ""}})
        EXPECT_FALSE(matches_pattern(pattern, name)) << pattern << " " << name;
    // Many stars take no time.
    std::string many;
    for (int i = 0; i < 100; ++i)
        many += "*a";
    EXPECT_FALSE(matches_pattern(many + "b", std::string(10'000, 'a')));
    EXPECT_TRUE(check_pattern("acme/*").ok());
    for (const auto *pattern : {"", "Acme", "a?", "_users x"})
        EXPECT_FALSE(check_pattern(pattern).ok()) << pattern;
}

TEST(Policy, WhatIsNoPolicySaysWhy) {
    EXPECT_EQ(refusal(R"({"type":"role","name":"a","permissions":["read"],"databases":["*"]})"), "");
    EXPECT_EQ(
        refusal(R"({"type":"tenant","name":"a","database_prefix":"a_","roles":["a"],"description":""})"), "");
    for (auto [text, why] : {
             std::pair{R"({})", "`type` has to be a text"},
             {R"({"type":"rule"})", "no type `rule`"},
             {R"({"type":"role","name":"a","permissions":["read"]})", "`databases` has to name databases"},
             {R"({"type":"role","name":"a","databases":["*"],"permissions":["raed"]})",
              "no permission `raed`"},
             {R"({"type":"role","name":"a","databases":["*"],"permissions":"read"})", "list of texts"},
             {R"({"type":"role","name":"a","databases":["A*"],"permissions":[]})", "no pattern"},
             {R"({"type":"role","name":"_admin","databases":["*"],"permissions":[]})", "begin with `_`"},
             {R"({"type":"role","name":"a","databases":["*"],"permission":["read"]})",
              "no member `permission`"},
             {R"({"type":"tenant","name":"a","database_prefix":"a_"})", "`users`, or `roles`"},
             {R"({"type":"tenant","name":"a","database_prefix":"*","users":["b"]})", "`database_prefix`"},
             {R"({"type":"tenant","name":"a","database_prefix":"_u","users":["b"]})", "`database_prefix`"},
             {R"({"type":"tenant","name":"a","database_prefix":"a","users":[1]})", "list of texts"},
         })
        EXPECT_THAT(refusal(text), HasSubstr(why)) << text;
}

TEST(PolicySet, RolesPermitWhatTheyName) {
    auto set =
        set_of({R"({"type":"role","name":"crew","permissions":["read","write"],"databases":["crew_*"]})",
                R"({"type":"role","name":"boss","permissions":["*"],"databases":["crew_*"]})"});
    auto bert = principal("bert", {"crew"});
    EXPECT_TRUE(set.allows(bert, Grant::read, "crew_a"));
    EXPECT_TRUE(set.allows(bert, Grant::write, "crew_a"));
    EXPECT_FALSE(set.allows(bert, Grant::design, "crew_a"));
    EXPECT_FALSE(set.allows(bert, Grant::read, "other"));
    EXPECT_FALSE(set.allows(principal("cleo"), Grant::read, "crew_a"));
    EXPECT_FALSE(set.allows({"", {"crew"}, ""}, Grant::read, "crew_a")) << "nobody has no roles";
    auto boss = principal("dora", {"boss"});
    EXPECT_TRUE(set.allows(boss, Grant::configure, "crew_a"));
    EXPECT_FALSE(set.makes_server_admin(boss)) << "everything, but not everywhere";
    EXPECT_TRUE(set.allows_any(bert, "crew_a"));
    EXPECT_FALSE(set.allows_any(bert, "other"));
}

TEST(PolicySet, StandardRolesAreOffUntilAskedFor) {
    auto admin = principal("a", {"admin"});
    EXPECT_FALSE(set_of({}).allows(admin, Grant::read, "db"));
    auto set = set_of({}, {true, "reader"});
    EXPECT_TRUE(set.allows(admin, Grant::delete_db, "db"));
    EXPECT_FALSE(set.allows(admin, Grant::configure, "db"));
    EXPECT_FALSE(set.makes_server_admin(admin));
    EXPECT_TRUE(set.allows(principal("d", {"developer"}), Grant::create_db, "test_1"));
    EXPECT_FALSE(set.allows(principal("d", {"developer"}), Grant::delete_db, "test_1"));
    EXPECT_TRUE(set.allows(principal("n", {"analyst"}), Grant::read, "reports_eu"));
    EXPECT_FALSE(set.allows(principal("n", {"analyst"}), Grant::write, "reports_eu"));
    EXPECT_TRUE(set.allows(principal("r"), Grant::read, "public_a")) << "the default role";
    EXPECT_FALSE(set.allows(principal("r", {"x"}), Grant::read, "public_a")) << "who has a role has no other";
    EXPECT_FALSE(set.allows(Principal(), Grant::read, "public_a"));

    auto chief = principal("s", {"super_admin"});
    set.elevate(chief);
    EXPECT_TRUE(chief.is_server_admin());
    EXPECT_TRUE(chief.elevated);
    // Patterns never give away what has rules of its own.
    for (const auto *name : {"_users", "_policies", "acme/_replicator"})
        EXPECT_FALSE(set.allows(principal("a", {"admin"}), Grant::read, name)) << name;
}

TEST(PolicySet, ADocumentStandsInForAStandardRole) {
    auto set = set_of({R"({"type":"role","name":"admin","permissions":["read"],"databases":["a_*"]})",
                       R"({"type":"role","name":"super_admin","permissions":[],"databases":["a"]})"},
                      {true, ""});
    EXPECT_FALSE(set.allows(principal("a", {"admin"}), Grant::delete_db, "a_1"));
    EXPECT_TRUE(set.allows(principal("a", {"admin"}), Grant::read, "a_1"));
    EXPECT_FALSE(set.makes_server_admin(principal("s", {"super_admin"})));
}

TEST(PolicySet, NothingCrossesATenant) {
    auto set = set_of({R"({"type":"tenant","name":"acme","database_prefix":"acme_","roles":["acme"]})",
                       R"({"type":"tenant","name":"bolt","database_prefix":"bolt_","users":["bert"]})",
                       R"({"type":"tenant","name":"eu","database_prefix":"acme_eu_","users":["erna"]})"});
    auto anna = principal("anna", {"acme"});
    EXPECT_FALSE(set.keeps_out(anna, "acme_1"));
    EXPECT_TRUE(set.keeps_out(anna, "bolt_1"));
    EXPECT_TRUE(set.keeps_out(anna, "shared")) << "their databases only";
    EXPECT_TRUE(set.keeps_out(principal("bert"), "acme_1"));
    EXPECT_FALSE(set.keeps_out(principal("bert"), "bolt_1"));
    EXPECT_FALSE(set.keeps_out(principal("cleo"), "shared"));
    EXPECT_TRUE(set.keeps_out(principal("cleo"), "acme_1"));
    EXPECT_TRUE(set.keeps_out(Principal(), "acme_1"));
    EXPECT_FALSE(set.keeps_out(anna, "_users"));
    EXPECT_FALSE(set.keeps_out(principal("root", {"_admin"}), "acme_1"));
    // One inside of another asks for both.
    EXPECT_TRUE(set.keeps_out(anna, "acme_eu_1"));
    EXPECT_TRUE(set.keeps_out(principal("erna"), "acme_eu_1"));
    EXPECT_FALSE(set.keeps_out(principal("erna", {"acme"}), "acme_eu_1"));
}

TEST(PolicySet, WhatCannotBeReadKeepsOut) {
    PolicySet set({});
    set.add_unreadable("p");
    EXPECT_TRUE(set.keeps_out(principal("anna"), "db"));
    EXPECT_FALSE(set.keeps_out(principal("root", {"_admin"}), "db"));
}

} // namespace
} // namespace divan::access
