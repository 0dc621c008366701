#include "mango/intervals.h"

#include "collation/sort_key.h"
#include "mango/testing_indexes.h"
#include "selector/selector.h"
#include "json/writer.h"

#include <gtest/gtest.h>
#include <random>

namespace divan::mango {
namespace {

const selector::Path kA{{"a"}};

std::shared_ptr<const selector::Selector> compiled(std::string_view text) {
    auto selector = selector::Selector::compile(parsed(text));
    DIVAN_CHECK(selector.ok());
    return std::move(selector).value();
}

IntervalSet values(std::string_view selector) {
    return values_at(compiled(selector)->root(), kA);
}

bool holds(const IntervalSet &set, std::string_view value) {
    return set.contains(collation::sort_key(parsed(value)));
}

TEST(Intervals, ComparisonsAreExact) {
    auto set = values(R"({"a":{"$gt":1,"$lte":3}})");
    for (const char *inside : {"1.5", "2", "3", "3.0"})
        EXPECT_TRUE(holds(set, inside)) << inside;
    for (const char *outside : {"1", "1.0", "3.1", "null", "\"2\"", "[]"})
        EXPECT_FALSE(holds(set, outside)) << outside;
    EXPECT_TRUE(values(R"({"a":{"$gt":5,"$lt":3}})").empty());
    EXPECT_TRUE(values(R"({"b":1})").is_all());
}

TEST(Intervals, ValuesOfInAreSinglePointsAndArrays) {
    auto set = values(R"({"a":{"$in":[2,"x",2]}})");
    for (const char *inside : {"2", "\"x\"", "[2]", "[]"})
        EXPECT_TRUE(holds(set, inside)) << inside;
    for (const char *outside : {"3", "\"y\"", "{}", "null"})
        EXPECT_FALSE(holds(set, outside)) << outside;
    EXPECT_EQ(set.intervals().size(), 3u);
}

TEST(Intervals, OrIsAUnionOnlyIfAllBranchesSpeakOfTheField) {
    auto set = values(R"({"$or":[{"a":1},{"a":{"$gte":5}}]})");
    EXPECT_TRUE(holds(set, "1"));
    EXPECT_TRUE(holds(set, "7"));
    EXPECT_FALSE(holds(set, "2"));
    EXPECT_TRUE(values(R"({"$or":[{"a":1},{"b":1}]})").is_all());
    EXPECT_TRUE(values(R"({"$or":[]})").is_all());
}

TEST(Intervals, PrefixesHoldAllContinuations) {
    auto set = values(R"({"a":{"$beginsWith":"ab"}})");
    for (const char *inside : {"\"ab\"", "\"abc\"", "\"ab\\u00e9\"", "\"ab\\uffff\"", "\"ab\\u0001\""})
        EXPECT_TRUE(holds(set, inside)) << inside;
    EXPECT_FALSE(holds(set, "\"ac\""));
    EXPECT_FALSE(holds(set, "\"aa\""));
}

TEST(Intervals, IdsAreComparedByBytes) {
    auto ids = [](std::string_view selector) { return ids_of(compiled(selector)->root()); };
    EXPECT_TRUE(ids(R"({"_id":{"$gte":"B"}})").contains("a"));
    EXPECT_FALSE(ids(R"({"_id":{"$gte":"B"}})").contains("A"));
    EXPECT_TRUE(ids(R"({"_id":{"$lt":""}})").empty());
    EXPECT_TRUE(ids(R"({"_id":{"$gt":null}})").is_all());
    EXPECT_TRUE(ids(R"({"_id":7})").empty());
    EXPECT_EQ(ids(R"({"_id":{"$in":["c","a",1]}})").intervals().size(), 2u);
    EXPECT_TRUE(ids(R"({"$or":[{"_id":"a"},{"n":1}]})").is_all());
}

TEST(Intervals, ElementsNeedAConditionThatEmptyArraysDoNotMeet) {
    auto elements = [](std::string_view selector, const selector::Path &element = {}) {
        return elements_at(compiled(selector)->root(), kA, element);
    };
    EXPECT_TRUE(elements(R"({"a":{"$all":["x","y"]}})"));
    EXPECT_TRUE(elements(R"({"a":{"$in":["x"]}})"));
    EXPECT_TRUE(elements(R"({"a":{"$elemMatch":{"$gt":1}}})"));
    EXPECT_TRUE(elements(R"({"a":{"$elemMatch":{"sku":"x"}}})", {{"sku"}}));
    EXPECT_FALSE(elements(R"({"a":{"$elemMatch":{"other":"x"}}})", {{"sku"}}));
    EXPECT_FALSE(elements(R"({"a":{"$all":[["x"]]}})"));
    EXPECT_FALSE(elements(R"({"a":[]})"));
    EXPECT_FALSE(elements(R"({"a":{"$allMatch":{"$gt":1}}})"));
    EXPECT_FALSE(elements(R"({"$or":[{"a":{"$in":["x"]}},{"b":1}]})"));
}

// ---- what matches is in the set

class Generator {
  public:
    explicit Generator(unsigned seed) : random_(seed) {}

    std::string value(int depth = 0) {
        static const std::vector<std::string> kScalars = {"null",         "true",
                                                          "false",        "0",
                                                          "-1",           "1",
                                                          "1.0",          "2",
                                                          "1e3",          "12345678901234567890",
                                                          "\"\"",         "\"a\"",
                                                          "\"A\"",        "\"ab\"",
                                                          "\"b\"",        "\"\\u00e9\"",
                                                          "\"e\\u0301\"", "\"\\u0001a\"",
                                                          "\"~\""};
        auto kind = below(depth > 1 ? 6 : 8);
        if (kind < 6)
            return kScalars[below(kScalars.size())];
        if (kind == 6)
            return list([&] { return value(depth + 1); });
        return R"({"k":)" + value(depth + 1) + "}";
    }
    std::string condition() {
        switch (below(12)) {
        case 0:
        case 1:
        case 2:
        case 3: {
            static const std::vector<std::string> kComparisons = {"$lt", "$lte", "$gt", "$gte", "$eq", "$ne"};
            return R"({")" + kComparisons[below(6)] + R"(":)" + value() + "}";
        }
        case 4:
            return R"({"$in":)" + list([&] { return value(1); }) + "}";
        case 5:
            return R"({"$nin":)" + list([&] { return value(1); }) + "}";
        case 6:
            return R"({"$all":)" + list([&] { return value(1); }) + "}";
        case 7:
            return R"({"$elemMatch":)" + (below(2) == 0 ? condition() : R"({"k":)" + condition() + "}") + "}";
        case 8:
            return R"({"$beginsWith":")" + std::string(below(2) == 0 ? "a" : "") + "\"}";
        case 9:
            return R"({"$not":)" + condition() + "}";
        case 10:
            return R"({"$exists":true})";
        default:
            return R"({"$size":1})";
        }
    }
    std::string selector(int depth = 0) {
        auto kind = below(depth > 2 ? 3 : 6);
        if (kind < 3)
            return R"({")" + std::string(below(3) == 0 ? "b" : "a") + R"(":)" + condition() + "}";
        static const std::vector<std::string> kOperators = {"$and", "$or", "$nor"};
        return R"({")" + kOperators[kind - 3] + R"(":)" + list([&] { return selector(depth + 1); }) + "}";
    }

  private:
    std::size_t below(std::size_t bound) {
        return std::uniform_int_distribution<std::size_t>(0, bound - 1)(random_);
    }
    template <typename Make> std::string list(Make make) {
        std::string text = "[";
        for (std::size_t i = 0, count = below(4); i < count; ++i)
            text += (i > 0 ? "," : "") + make();
        return text + "]";
    }

    std::mt19937 random_;
};

TEST(Intervals, NothingThatMatchesIsLeftOut) {
    const unsigned seed = std::random_device()();
    Generator generate(seed);
    std::size_t matched = 0;
    for (int i = 0; i < 30'000; ++i) {
        auto text = generate.selector();
        auto selector = compiled(text);
        selector::Matcher matcher(selector);
        auto set = values_at(selector->root(), kA);
        auto elements = elements_at(selector->root(), kA, {});
        auto inner = elements_at(selector->root(), kA, {{"k"}});
        for (int j = 0; j < 8; ++j) {
            auto value = parsed(generate.value());
            auto document = R"({"a":)" + json::to_text(value) + R"(,"b":)" + generate.value() + "}";
            if (!matcher.matches(json::to_text(parsed(document))))
                continue;
            ++matched;
            auto told = text + " of " + document + ", seed " + std::to_string(seed);
            ASSERT_TRUE(set.contains(collation::sort_key(value))) << told;
            bool any = false, any_inner = false;
            if (!value.is_array())
                any = elements && elements->contains(collation::sort_key(value));
            else
                for (const auto &element : value.array()) {
                    any |= elements && elements->contains(collation::sort_key(element));
                    if (element.is_object() && element.object().contains("k"))
                        any_inner |=
                            inner && inner->contains(collation::sort_key(*element.object().find("k")));
                }
            ASSERT_TRUE(!elements || any) << "elements: " << told;
            ASSERT_TRUE(!inner || any_inner) << "inner elements: " << told;
        }
    }
    EXPECT_GT(matched, 20'000u);
}

} // namespace
} // namespace divan::mango
