// Aggregates, projections and bookmarks.

#include "mango/aggregate.h"
#include "mango/bookmark.h"
#include "mango/projection.h"
#include "mango/testing_indexes.h"
#include "json/writer.h"

#include <gtest/gtest.h>

namespace divan::mango {
namespace {

std::string aggregate(AggregateFunction function, std::initializer_list<std::string_view> values) {
    Accumulator accumulator(function);
    for (auto value : values)
        accumulator.add(value);
    return accumulator.result();
}

TEST(Aggregate, NumbersAreExactAndOthersLeftOut) {
    EXPECT_EQ(aggregate(AggregateFunction::sum, {"1", "\"x\"", "", "9007199254740993"}), "9007199254740994");
    EXPECT_EQ(aggregate(AggregateFunction::sum, {}), "0");
    EXPECT_EQ(aggregate(AggregateFunction::avg, {"1", "2", "null"}), "1.5");
    EXPECT_EQ(aggregate(AggregateFunction::avg, {}), "null");
    EXPECT_EQ(aggregate(AggregateFunction::stats, {"2", "-3", "true"}),
              R"({"sum":-1,"count":2,"min":-3,"max":2,"sumsqr":13})");
    EXPECT_EQ(aggregate(AggregateFunction::stats, {}),
              R"({"sum":0,"count":0,"min":null,"max":null,"sumsqr":0})");
    EXPECT_EQ(aggregate(AggregateFunction::count, {"1", "", "null"}), "2");
}

TEST(Aggregate, LeastAndGreatestAreByTheOrderOfViews) {
    EXPECT_EQ(aggregate(AggregateFunction::min, {"\"b\"", "\"A\"", "\"a\""}), "\"a\"");
    EXPECT_EQ(aggregate(AggregateFunction::max, {"10", "9", "\"1\"", "[]"}), "[]");
    EXPECT_EQ(aggregate(AggregateFunction::min, {}), "null");
}

std::string projected(std::vector<std::string> fields, std::string_view document) {
    auto projection = Projection::make(fields);
    std::string text;
    projection->append(text, document);
    return text;
}

// As recorded from CouchDB 3.5.2.
TEST(Projection, FieldsComeInTheOrderInWhichTheyWereAskedFor) {
    constexpr std::string_view kDocument =
        R"({"_id":"a","s":"apple","o":{"x":1,"y":"z"},"a":[1,2],"a.b":"dotted"})";
    EXPECT_EQ(projected({"s", "_id"}, kDocument), R"({"s":"apple","_id":"a"})");
    EXPECT_EQ(projected({"o.x", "o.y", "_id"}, kDocument), R"({"o":{"x":1,"y":"z"},"_id":"a"})");
    EXPECT_EQ(projected({"o", "o.x"}, kDocument), R"({"o":{"x":1,"y":"z"}})");
    EXPECT_EQ(projected({"o.x", "o"}, kDocument), R"({"o":{"x":1,"y":"z"}})");
    EXPECT_EQ(projected({"a.0", "_id"}, kDocument), R"({"a":{"0":1},"_id":"a"})");
    EXPECT_EQ(projected({R"(a\.b)", "missing"}, kDocument), R"({"a.b":"dotted"})");
    EXPECT_EQ(projected({"_id", "_id"}, kDocument), R"({"_id":"a"})");
    EXPECT_EQ(projected({"missing"}, kDocument), "{}");
    EXPECT_EQ(projected({}, kDocument), kDocument);
    EXPECT_EQ(Projection::make(std::vector<std::string>{"a..b"}).error().word(), "invalid_field_name");
}

TEST(Bookmark, ComesBackAsItWas) {
    Bookmark bookmark{"_design/d/i", parsed(R"([1,"x",null])"), "an id"};
    auto read = decode_bookmark(encode_bookmark(bookmark));
    ASSERT_TRUE(read.ok());
    EXPECT_EQ(read->index, bookmark.index);
    EXPECT_EQ(json::to_text(read->key), R"([1,"x",null])");
    EXPECT_EQ(read->id, bookmark.id);
}

TEST(Bookmark, AnythingElseIsRefused) {
    auto good = encode_bookmark({"_design/d/i", parsed("[1]"), "id"});
    for (auto bad : {std::string("nil"), std::string("x"), good.substr(0, good.size() - 3), good + "A",
                     encode_bookmark({"_design/d/i", json::Value(1), "id"}), std::string("%%%"),
                     std::string("\xc3\xa9")})
        EXPECT_EQ(decode_bookmark(bad).error().word(), "invalid_bookmark") << bad;
}

} // namespace
} // namespace divan::mango
