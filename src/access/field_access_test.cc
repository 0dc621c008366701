#include "access/policy_set.h"
#include "base/random.h"
#include "json/parser.h"
#include "json/writer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace divan::access {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using Fields = FieldAccess::Fields;

json::Value parse(const std::string &text) {
    return json::parse(text).value();
}

std::string refusal(const std::string &text) {
    auto policy = read_policy(parse(text).object());
    return policy.ok() ? std::string() : policy.error().reason();
}

class FieldAccessTest : public testing::Test {
  protected:
    // Of rules that mean all databases.
    std::shared_ptr<const DocumentAccess> make(std::initializer_list<std::string> members,
                                               const std::string &attributes = "{}") {
        PolicySet set({});
        int number = 0;
        for (const auto &text : members)
            set.add(read_policy(parse(R"({"type":"field_rule","databases":["*"],)" + text + "}").object(),
                                "f" + std::to_string(number++))
                        .value());
        return set.document_access(anna_, parse(attributes).object(), "db", {}, cipher_).value();
    }

    std::string shown(const std::string &json, bool deleted = false) {
        return access_->fields().shown("x", json, deleted).value_or(json);
    }
    // What is stored after an edit; the reason if it is refused. `stored`: empty: nothing.
    std::string kept(const std::string &stored, const std::string &edited, bool deleted = false) {
        FieldAccess::Write write{"x", stored.empty() ? nullptr : &stored, edited, deleted};
        auto text = access_->fields().keep(write);
        if (!text.ok())
            return text.error().reason();
        auto result = text->value_or(edited);
        FieldAccess::Write written{"x", write.stored, result, deleted};
        EXPECT_TRUE(access_->fields().is_kept(written, Fields::concealed)) << result;
        EXPECT_TRUE(access_->fields().is_kept(written, Fields::read_only)) << result;
        return result;
    }

    const crypto::BlockCipher cipher_{crypto::Secret(std::string(32, 'k'))};
    const Principal anna_{"anna", {"red"}, "default"};
    std::shared_ptr<const DocumentAccess> access_;
};

TEST(FieldPolicy, WhatIsNoneSaysWhy) {
    const std::string rule = R"({"type":"field_rule","databases":["*"])";
    EXPECT_EQ(refusal(rule + R"(,"hide":["a.b","c"],"mask":{"d":null},"read_only":["e"],"filter":{"f":1}})"),
              "");
    for (auto [text, why] : {std::pair{"}", "`hide`, `mask` or `read_only`"},
                             {R"(,"hide":["_id"]})", "begin with `_`"},
                             {R"(,"hide":["_attachments.a"]})", "begin with `_`"},
                             {R"(,"read_only":["a..b"]})", "is no path"},
                             {R"(,"hide":"a"})", "list of texts"},
                             {R"(,"mask":["a"]})", "`mask` maps"},
                             {R"(,"hide":["a"],"filter":{}})", "`filter`"},
                             {R"(,"hide":["a"],"safe_views":["v"]})", "design/view"},
                             {R"(,"hide":["a"],"role":["x"]})", "no member `role`"}})
        EXPECT_THAT(refusal(rule + text), HasSubstr(why)) << text;
}

TEST_F(FieldAccessTest, WhatIsConcealedIsNotShown) {
    access_ = make({R"("hide":["pay","home.street"],"mask":{"card":"****","home.zip":0})"});
    EXPECT_EQ(shown(R"({"a":1,"pay":5,"card":"123","home":{"street":"x","zip":9,"town":"y"}})"),
              R"({"a":1,"card":"****","home":{"zip":0,"town":"y"}})");
    EXPECT_EQ(shown(R"({"a":1,"home":{"town":"pay"}})"), R"({"a":1,"home":{"town":"pay"}})");
    EXPECT_EQ(shown(R"({"a":{"pay":5},"home":"street"})"), R"({"a":{"pay":5},"home":"street"})")
        << "the same name elsewhere";
    EXPECT_EQ(shown(R"({"home":[{"street":1}],"b":2})"), R"({"b":2})") << "a list as a whole";
    EXPECT_EQ(shown(R"({"_id":"x","_rev":"1-a","pay":1})"), R"({"_id":"x","_rev":"1-a"})");
    EXPECT_TRUE(access_->hides_fields());
    EXPECT_FALSE(access_->hides_documents());
    EXPECT_FALSE(make({R"("read_only":["a"])"})->hides_fields());
}

TEST_F(FieldAccessTest, WhatIsHiddenIsHiddenBesideAMask) {
    access_ = make({R"("hide":["a"])", R"("mask":{"a":"****","b.c":{"d":1}})", R"("hide":["b.c.d"])"});
    EXPECT_EQ(shown(R"({"a":1,"b":{"c":{"d":7,"e":8}}})"), R"({"b":{"c":{"d":1}}})");
}

TEST_F(FieldAccessTest, FiltersSayWhichDocumentsAreMeant) {
    access_ = make({R"("hide":["pay"],"filter":{"owner":{"$ne":"{user.name}"}})"});
    EXPECT_EQ(shown(R"({"owner":"bert","pay":1})"), R"({"owner":"bert"})");
    EXPECT_EQ(shown(R"({"owner":"anna","pay":1})"), R"({"owner":"anna","pay":1})");
    EXPECT_EQ(shown(R"({"owner":"anna","pay":1})", true), R"({"owner":"anna"})") << "a tombstone";
    // What names something that the user does not have means all documents.
    access_ = make({R"("hide":["pay"],"filter":{"team":"{user.team}"})"});
    EXPECT_EQ(shown(R"({"team":"red","pay":1})"), R"({"team":"red"})");
    access_ = make({R"("hide":["pay"],"filter":{"team":"{user.team}"})"}, R"({"team":"blue"})");
    EXPECT_EQ(shown(R"({"team":"red","pay":1})"), R"({"team":"red","pay":1})");
}

TEST_F(FieldAccessTest, EditsKeepWhatIsStored) {
    access_ = make({R"("hide":["pay"],"mask":{"card":"****"},"read_only":["state.now"])"});
    const std::string stored = R"({"n":1,"pay":5,"card":"123","state":{"now":"new"}})";
    EXPECT_EQ(kept(stored, R"({"n":2,"card":"****","state":{"now":"old","by":"me"}})"),
              R"({"n":2,"card":"123","state":{"now":"new","by":"me"},"pay":5})");
    EXPECT_EQ(kept(stored, R"({"n":2})"), R"({"n":2,"card":"123","pay":5,"state":{"now":"new"}})");
    EXPECT_EQ(kept(stored, R"({"n":2,"pay":9})"), R"({"n":2,"pay":5,"card":"123","state":{"now":"new"}})");
    EXPECT_EQ(kept(stored, R"({"state":"text"})"), R"({"state":{"now":"new"},"card":"123","pay":5})");
    EXPECT_EQ(kept(R"({"n":1})", R"({"n":2,"pay":9,"state":{"now":"x"}})"), R"({"n":2,"state":{}})")
        << "also that there is nothing";
    EXPECT_EQ(kept(stored, stored), stored) << "nothing is moved that is as it was";
    // New documents.
    EXPECT_EQ(kept("", R"({"n":2})"), R"({"n":2})");
    EXPECT_THAT(kept("", R"({"n":2,"pay":9})"), HasSubstr("The field pay is not yours to set"));
    EXPECT_THAT(kept("", R"({"state":{"now":1}})"), HasSubstr("state.now"));
    // Tombstones say what their writer says, but nothing else in these places.
    EXPECT_EQ(kept(stored, "{}", true), "{}");
    EXPECT_EQ(kept(stored, R"({"why":"x","card":"****"})", true), R"({"why":"x","card":"123"})");
}

TEST_F(FieldAccessTest, ListsAreKeptAsAWhole) {
    access_ = make({R"("hide":["items.price"])"});
    const std::string stored = R"({"items":[{"price":1},{"price":2}]})";
    EXPECT_EQ(shown(stored), "{}");
    EXPECT_EQ(kept(stored, R"({"items":[{"name":"x"}]})"), stored);
    EXPECT_EQ(kept(stored, R"({"items":{"name":"x"}})"), stored);
    EXPECT_EQ(kept(R"({"items":{"price":1}})", R"({"items":[]})"), R"({"items":{"price":1}})");
}

TEST_F(FieldAccessTest, AnEditDoesNotLeadOutOfARule) {
    access_ = make({R"("read_only":["pay"],"filter":{"owner":"bert"})"});
    EXPECT_EQ(kept(R"({"owner":"bert","pay":1})", R"({"owner":"anna","pay":2})"),
              R"({"owner":"anna","pay":1})");
    EXPECT_EQ(kept(R"({"owner":"anna","pay":1})", R"({"owner":"bert","pay":2})"),
              R"({"owner":"bert","pay":1})");
    // What one rule keeps makes the other mean the document.
    access_ = make({R"("read_only":["pay"],"filter":{"level":"high","mark":1})", R"("read_only":["level"])"});
    EXPECT_EQ(kept(R"({"level":"high","pay":1})", R"({"level":"low","mark":1,"pay":2})"),
              R"({"level":"high","mark":1,"pay":1})");
}

TEST_F(FieldAccessTest, PathsOfIndexesMayTell) {
    access_ = make({R"("hide":["a.b","items.price"],"read_only":["free"])"});
    auto tells = [&](std::vector<std::string> steps) { return access_->hides_field(steps); };
    for (const auto &steps : {std::vector<std::string>{"a"},
                              {"a", "b"},
                              {"a", "b", "c"},
                              {"items", "[]", "name"},
                              {"items", "0"},
                              {"items", "0", "name"}})
        EXPECT_TRUE(tells(steps)) << testing::PrintToString(steps);
    for (const auto &steps : {std::vector<std::string>{"b"}, {"a", "c"}, {"free"}, {"items", "name"}})
        EXPECT_FALSE(tells(steps)) << testing::PrintToString(steps);
}

TEST_F(FieldAccessTest, RulesOfDocumentsAreNamed) {
    access_ = make({R"("hide":["a"])", R"("hide":["b"],"filter":{"n":1})"});
    EXPECT_THAT(access_->fields().rules_of("x", R"({"n":1})"), ElementsAre("f0", "f1"));
    EXPECT_THAT(access_->fields().rules_of("x", R"({"n":2})"), ElementsAre("f0"));
}

TEST_F(FieldAccessTest, DigestsTellRulesThatShowOtherwise) {
    auto digest = [&](std::initializer_list<std::string> rules) { return make(rules)->digest(); };
    auto one = digest({R"("hide":["a"])"});
    EXPECT_EQ(one, digest({R"("hide":["a"],"read_only":["b"])"}));
    EXPECT_NE(one, digest({R"("hide":["b"])"}));
    EXPECT_NE(one, digest({R"("mask":{"a":1})"}));
    EXPECT_NE(digest({R"("mask":{"a":2})"}), digest({R"("mask":{"a":1})"}));
    EXPECT_NE(one, digest({R"("hide":["a"],"filter":{"n":1})"}));
}

TEST_F(FieldAccessTest, ViewsHaveToBeSafeForEveryRule) {
    auto access = make({R"("hide":["a"],"safe_views":["d/v","d/w"])",
                        R"("mask":{"b":1},"safe_views":["d/v"])", R"("read_only":["c"])"});
    EXPECT_TRUE(access->is_fieldless_view("d/v"));
    EXPECT_FALSE(access->is_fieldless_view("d/w"));
    EXPECT_FALSE(access->is_open_view("d/v")) << "that is for document rules to say";
}

// A small world of nested values under the names that rules speak of.
json::Value random_value(Random &random, int depth) {
    auto byte = static_cast<unsigned char>(random.bytes(1).front());
    if (depth == 0 || byte % 5 == 0)
        return json::Value(static_cast<std::int64_t>(byte % 3));
    if (byte % 5 == 1)
        return json::Value(json::Array{random_value(random, depth - 1)});
    json::Object object;
    for (const char *name : {"a", "b", "c"})
        if (static_cast<unsigned char>(random.bytes(1).front()) % 3 != 0)
            object.append(name, random_value(random, depth - 1));
    return json::Value(std::move(object));
}

std::string random_document(Random &random) {
    json::Object object;
    for (const char *name : {"a", "b", "n"})
        object.append(name, random_value(random, 3));
    return json::to_text(json::Value(std::move(object)));
}

// Whatever is edited: what is concealed stays, what is shown does not depend on it, and saving what was shown
// changes nothing of it.
TEST_F(FieldAccessTest, NothingIsLostOrLearnt) {
    SeededRandom random(7);
    for (const auto *rules :
         {R"("hide":["a.b","b"])", R"("mask":{"a":1,"b.c.a":"m"})",
          R"("hide":["a.a.c","a.b"],"filter":{"n":1})", R"("hide":["a"],"mask":{"b.b":[]})"}) {
        access_ = make({rules});
        for (int i = 0; i < 500; ++i) {
            auto stored = random_document(random);
            auto edited = random_document(random);
            auto after = kept(stored, edited);
            auto before_read = shown(stored);
            auto same = kept(stored, before_read);
            EXPECT_EQ(shown(same), before_read) << rules << stored;
            EXPECT_EQ(kept(stored, after), after) << rules << stored << edited;
        }
    }
}

} // namespace
} // namespace divan::access
