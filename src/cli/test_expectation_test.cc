#include "cli/test_expectation.h"

#include "json/parser.h"
#include "json/writer.h"

#include <gtest/gtest.h>

namespace divan::cli {
namespace {

json::Value value(std::string_view text) {
    return json::parse(text).value();
}

std::string shown(const std::optional<Difference> &difference) {
    if (!difference)
        return "same";
    auto text = [](const std::optional<json::Value> &side) {
        return side ? json::to_text(*side) : "nothing";
    };
    return difference->where + ": " + text(difference->expected) + " / " + text(difference->got);
}

bool same(std::string_view a, std::string_view b) {
    return same_value(value(a), value(b));
}

TEST(TestExpectation, SameToJavaScript) {
    EXPECT_TRUE(same(R"({"a":1,"b":[null,true]})", R"({"b":[null,true],"a":1.0})"));
    EXPECT_TRUE(same("1e2", "100"));
    EXPECT_FALSE(same("9007199254740993", "9007199254740992"));
    EXPECT_FALSE(same("1", "\"1\""));
    EXPECT_FALSE(same("[1,2]", "[2,1]"));
    EXPECT_FALSE(same("[1]", "[1,1]"));
    EXPECT_FALSE(same(R"({"a":1})", R"({"a":1,"b":2})"));
    EXPECT_FALSE(same(R"({"a":null})", R"({"b":null})"));
    EXPECT_FALSE(same("null", "false"));
}

TEST(TestExpectation, OnlyNamedMembersAreCompared) {
    auto row =
        value(R"({"id":"a","key":[1,"x"],"value":{"n":1,"m":2},"doc":{"_id":"a","_rev":"1-a","v":1}})");
    for (const char *expected :
         {"{}", R"({"key":[1,"x"]})", R"({"value":{"m":2,"n":1},"id":"a"})", R"({"doc":{"v":1}})"})
        EXPECT_EQ(shown(compare_named("row", value(expected), row)), "same") << expected;
    EXPECT_EQ(shown(compare_named("row", value(R"({"value":{"n":1}})"), row)),
              R"(row: {"value":{"n":1}} / {"value":{"n":1,"m":2}})");
    EXPECT_EQ(shown(compare_named("row", value(R"({"doc":{"v":2},"none":1})"), row)),
              R"(row: {"doc":{"v":2},"none":1} / {"doc":{"v":1}})");
    EXPECT_EQ(shown(compare_named("body", value("{}"), value("[]"))), "body: {} / []");
}

TEST(TestExpectation, RowsAreComparedInOrder) {
    auto rows = value(R"([{"key":1},{"key":2}])");
    EXPECT_TRUE(compare_rows("rows", rows.array(), rows.array()).empty());
    auto found = compare_rows("rows", rows.array(), value(R"([{"key":1,"id":"a"}])").array());
    ASSERT_EQ(found.size(), 1U);
    EXPECT_EQ(shown(found[0]), R"(rows[1]: {"key":2} / nothing)");
    found = compare_rows("rows", value(R"([{"key":2}])").array(), rows.array());
    ASSERT_EQ(found.size(), 2U);
    EXPECT_EQ(shown(found[0]), R"(rows[0]: {"key":2} / {"key":1})");
    EXPECT_EQ(shown(found[1]), R"(rows[1]: nothing / {"key":2})");
}

TEST(TestExpectation, SetsHaveNoOrder) {
    EXPECT_EQ(shown(compare_sets("ids", {"b", "a"}, {"a", "b"})), "same");
    EXPECT_EQ(shown(compare_sets("ids", {"b", "a"}, {"c", "a", "b"})), R"(ids: ["a","b"] / ["a","b","c"])");
}

} // namespace
} // namespace divan::cli
