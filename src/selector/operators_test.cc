// What the recorded answers do not have: edges of operators.

#include "selector/selector.h"
#include "json/parser.h"
#include "json/writer.h"

#include <gtest/gtest.h>

namespace divan::selector {
namespace {

json::Value parsed(std::string_view text) {
    auto value = json::parse(text);
    EXPECT_TRUE(value.ok()) << text;
    return std::move(value).value_or(nullptr);
}

bool matches(std::string_view selector, std::string_view document) {
    const auto compiled = Selector::compile(parsed(selector));
    if (!compiled.ok()) {
        ADD_FAILURE() << selector << ": " << compiled.error().reason();
        return false;
    }
    return Matcher(*compiled).matches(json::to_text(parsed(document)));
}

// Whether the condition holds of the member x.
bool holds(std::string_view condition, std::string_view value) {
    return matches(R"({"x":)" + std::string(condition) + "}", R"({"x":)" + std::string(value) + "}");
}

std::string quoted(std::string_view string) {
    return json::to_text(json::Value(string));
}

bool begins_with(std::string_view string, std::string_view prefix) {
    return holds(R"({"$beginsWith":)" + quoted(prefix) + "}", quoted(string));
}

bool regex(std::string_view pattern, std::string_view subject) {
    return holds(R"({"$regex":)" + quoted(pattern) + "}", quoted(subject));
}

TEST(Operators, OrderOfTypesAndValues) {
    const std::vector<std::string> ordered = {"null",
                                              "false",
                                              "true",
                                              "-1.5",
                                              "-1",
                                              "0",
                                              "1e-300",
                                              "0.1",
                                              "1",
                                              "1.5",
                                              "2",
                                              "10",
                                              "9007199254740992",
                                              "9007199254740993",
                                              "1e300",
                                              R"("")",
                                              R"("1")",
                                              R"("a")",
                                              R"("A")",
                                              R"("aa")",
                                              R"("\u00e9")",
                                              R"("f")",
                                              "[]",
                                              "[1]",
                                              "[1,2]",
                                              "[2]",
                                              "{}",
                                              R"({"a":1})",
                                              R"({"a":1,"b":1})",
                                              R"({"b":0})"};
    for (std::size_t i = 0; i < ordered.size(); ++i) {
        for (std::size_t j = 0; j < ordered.size(); ++j) {
            auto told = [&](const char *name) {
                return holds(R"({")" + std::string(name) + "\":" + ordered[j] + "}", ordered[i]);
            };
            EXPECT_EQ(told("$lt"), i < j) << ordered[i] << " " << ordered[j];
            EXPECT_EQ(told("$lte"), i <= j) << ordered[i] << " " << ordered[j];
            EXPECT_EQ(told("$eq"), i == j) << ordered[i] << " " << ordered[j];
            EXPECT_EQ(told("$ne"), i != j) << ordered[i] << " " << ordered[j];
            EXPECT_EQ(told("$gte"), i >= j) << ordered[i] << " " << ordered[j];
            EXPECT_EQ(told("$gt"), i > j) << ordered[i] << " " << ordered[j];
        }
    }
}

TEST(Operators, EqualIsEqualToTheCollator) {
    for (auto [left, right] : {std::pair{"1", "1.0"},
                               {"0", "-0.0"},
                               {"10", "1e1"},
                               {R"("\u00e9")", R"("e\u0301")"},
                               {R"("a\u0001")", R"("a")"},
                               {R"("a\u007f")", R"("a")"},
                               {"[1,{\"a\":2}]", "[1.0,{\"a\":2.0}]"}}) {
        EXPECT_TRUE(holds(left, right)) << left << right;
        EXPECT_TRUE(holds(R"({"$in":[5,"b",)" + std::string(left) + "]}", "[" + std::string(right) + "]"))
            << left << right;
        EXPECT_FALSE(holds(R"({"$nin":[)" + std::string(right) + "]}", "[" + std::string(left) + "]"))
            << left << right;
        EXPECT_FALSE(holds(R"({"$lt":)" + std::string(left) + "}", right)) << left << right;
    }
    EXPECT_FALSE(holds("123456789012345678901234567890", "123456789012345678901234567891"));
    EXPECT_FALSE(holds(R"({"a":1,"b":2})", R"({"b":2})"));
}

TEST(Operators, InOfManyValues) {
    std::string values;
    for (int i = 0; i < 4000; ++i)
        values += (i > 0 ? "," : "") + std::to_string(3 * i) + ",\"s" + std::to_string(3 * i) + "\"";
    auto value = parsed(R"({"x":{"$in":[)" + values + "]}}");
    const auto compiled = Selector::compile(value);
    ASSERT_TRUE(compiled.ok());
    Matcher matcher(*compiled);
    for (int i = 0; i < 5000; ++i) {
        EXPECT_EQ(matcher.matches(R"({"x":)" + std::to_string(i) + "}"), i % 3 == 0);
        EXPECT_EQ(matcher.matches(R"({"x":)" + std::to_string(i) + ".0}"), i % 3 == 0);
        EXPECT_EQ(matcher.matches(R"({"x":[true,"s)" + std::to_string(i) + "\"]}"), i % 3 == 0);
    }
}

// Equality of terms, as Erlang's lists:member() has it.
TEST(Operators, AllIsOfTerms) {
    EXPECT_FALSE(holds(R"({"$all":[1]})", "[1.0]"));
    EXPECT_TRUE(holds(R"({"$all":[1.0]})", "[1e0]"));
    EXPECT_TRUE(holds(R"({"$all":[0]})", "[-0]"));
    EXPECT_TRUE(holds(R"({"$all":[0.0]})", "[-0.0]"));
    EXPECT_FALSE(holds(R"({"$all":["a\u0001"]})", R"(["a"])"));
    EXPECT_FALSE(holds(R"({"$all":[{"a":1,"b":2}]})", R"([{"b":2,"a":1}])"));
    EXPECT_TRUE(holds(R"({"$all":[{"a":[1.50]}]})", R"([{"a":[1.5]}])"));
    EXPECT_TRUE(holds(R"({"$all":["x","x",3]})", R"([3,"x"])"));
    EXPECT_FALSE(holds(R"({"$all":["x","y"]})", R"(["x","x"])"));
    EXPECT_TRUE(holds(R"({"$all":[123456789012345678901]})", "[123456789012345678901]"));
    EXPECT_FALSE(holds(R"({"$all":[123456789012345678901]})", "[123456789012345678902]"));
    // The only value, if it is an array, may be the whole array, and == is then enough.
    EXPECT_TRUE(holds(R"({"$all":[[1,"a"]]})", R"([1.0,"a"])"));
    EXPECT_TRUE(holds(R"({"$all":[[]]})", "[]"));
    EXPECT_FALSE(holds(R"({"$all":[[1],2]})", "[1]"));
    EXPECT_FALSE(holds(R"({"$all":[["a\u0001"]]})", R"(["a"])"));
}

TEST(Operators, ModOfIntegersOfAnySize) {
    EXPECT_FALSE(holds(R"({"$mod":[2,0]})", "2.0"));
    EXPECT_FALSE(holds(R"({"$mod":[2,0]})", "2e0"));
    EXPECT_TRUE(holds(R"({"$mod":[2,-0]})", "-0"));
    EXPECT_TRUE(holds(R"({"$mod":[-3,-1]})", "-7"));
    EXPECT_FALSE(holds(R"({"$mod":[-3,1]})", "-7"));
    EXPECT_FALSE(holds(R"({"$mod":[3,4]})", "4"));
    // 10^30 = 90909090909090909 * 11 * 10^12 + ... : 10^30 mod 11 is 1, mod 7 is 1, mod 9999999999999999999
    // is 10^11.
    const std::string large = "1000000000000000000000000000000";
    EXPECT_TRUE(holds(R"({"$mod":[11,1]})", large));
    EXPECT_TRUE(holds(R"({"$mod":[7,1]})", large));
    EXPECT_TRUE(holds(R"({"$mod":[7,-1]})", "-" + large));
    EXPECT_TRUE(holds(R"({"$mod":[9999999999999999999,100000000000]})", large));
    EXPECT_FALSE(holds(R"({"$mod":[9999999999999999999,100000000001]})", large));
    EXPECT_TRUE(holds(R"({"$mod":[3333333333333333331,3]})", "9999999999999999996"));
    EXPECT_FALSE(holds(R"({"$mod":[3333333333333333331,6666666]})", "-6666666"));
    EXPECT_TRUE(holds(R"({"$mod":[)" + large + ",0]}", large));
    EXPECT_TRUE(holds(R"({"$mod":[)" + large + ",5]}", "5"));
}

TEST(Operators, SizeCountsElements) {
    EXPECT_TRUE(holds(R"({"$size":2})", R"([[1,2,3],"a,b"])"));
    EXPECT_FALSE(holds(R"({"$size":1})", R"([1,2])"));
    EXPECT_FALSE(holds(R"({"$size":2})", R"({"a":1,"b":2})"));
    EXPECT_TRUE(holds(R"({"$size":-0})", "[]"));
    EXPECT_FALSE(holds(R"({"$size":18446744073709551616})", "[]"));
    EXPECT_FALSE(holds(R"({"$size":18446744073709551615})", "[1]"));
}

// The last code point of the prefix must be a grapheme cluster of its own.
TEST(Operators, BeginsWithWholeClusters) {
    EXPECT_TRUE(begins_with("food", "foo"));
    EXPECT_FALSE(begins_with("fo", "foo"));
    EXPECT_TRUE(begins_with("e\xcc\x81", "e\xcc\x81"));
    EXPECT_TRUE(begins_with("e\xcc\x81x", "e\xcc\x81"));
    EXPECT_FALSE(begins_with("e\xcc\x81x", "e")); // an accent
    EXPECT_FALSE(
        begins_with("e\xcc\x81\xcc\x82", "e\xcc\x81")); // another one: the last code point is not alone
    EXPECT_FALSE(begins_with("\xc3\xa9", "e"));
    EXPECT_FALSE(begins_with("\r\nx", "\r"));
    EXPECT_TRUE(begins_with("\r\nx", "\r\n"));
    EXPECT_TRUE(begins_with("\rx", "\r"));
    EXPECT_FALSE(begins_with("\xf0\x9f\x87\xa9\xf0\x9f\x87\xaa", "\xf0\x9f\x87\xa9")); // half a flag
    EXPECT_FALSE(
        begins_with("\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x9a\x80", "\xf0\x9f\x91\xa9")); // woman ZWJ rocket
    EXPECT_FALSE(begins_with("\xe1\x84\x80\xe1\x85\xa1", "\xe1\x84\x80"));                // half a syllable
    EXPECT_FALSE(begins_with("a\xe0\xa4\x83", "a"));                                      // a spacing mark
    EXPECT_FALSE(begins_with("\xd8\x80"
                             "1",
                             "\xd8\x80")); // the sign stands before a number
    EXPECT_TRUE(begins_with("\xd8\x80\n", "\xd8\x80"));
    EXPECT_TRUE(begins_with("a\"b\\c\n", "a\"b\\c\n"));
    EXPECT_TRUE(begins_with("a\n", "a"));
    EXPECT_TRUE(begins_with("a\x01", "a"));
    EXPECT_FALSE(begins_with("a\x01", "a\x02"));
}

// PCRE over bytes, with letters of Latin-1.
TEST(Operators, RegexAsErlangHasIt) {
    EXPECT_TRUE(regex("a$", "a\n"));
    EXPECT_FALSE(regex("a$", "a\n\n"));
    EXPECT_FALSE(regex("a$", "a\r"));
    EXPECT_FALSE(regex("a.b", "a\nb"));
    EXPECT_TRUE(regex("(?s)a.b", "a\nb"));
    EXPECT_TRUE(regex("^.{2}$", "\xc3\xa9"));
    EXPECT_TRUE(regex("(*UTF)^.$", "\xc3\xa9"));
    EXPECT_TRUE(regex("^\\w", "\xc3\xa9"));     // the byte C3 is a letter
    EXPECT_FALSE(regex("^\\w\\w", "\xc3\xa9")); // the byte A9 is not
    EXPECT_TRUE(regex("^[[:upper:]]", "\xc3\xa9"));
    EXPECT_TRUE(regex("^[[:lower:]]", "\xe3\x81\x82"));
    EXPECT_TRUE(regex("\\xC2[[:punct:]]", "\xc2\xa9"));
    EXPECT_FALSE(regex("^[[:punct:]]", "\xc2\xa9"));
    EXPECT_FALSE(regex("\\s", "\xc2\xa0"));
    EXPECT_TRUE(regex("(?i)^\\xE3\\xA9$", "\xc3\xa9")); // C3 and E3 differ in case
    EXPECT_TRUE(regex("(?i)JOS", "jos\xc3\xa9"));
    EXPECT_TRUE(regex("a\\Rb", "a\r\nb"));
    EXPECT_TRUE(regex("\"\\\\\\x01", "\"\\\x01"));
    EXPECT_TRUE(regex("^$", ""));
    EXPECT_TRUE(regex("(a)(b)\\2\\1", "abba"));
}

TEST(Operators, ElementsAndTheirNegations) {
    // In an element a negation is the opposite of the whole: a field that is missing makes it true.
    EXPECT_TRUE(holds(R"({"$elemMatch":{"$not":{"b":1}}})", R"([{"c":1}])"));
    EXPECT_FALSE(holds(R"({"$elemMatch":{"b":{"$ne":1}}})", R"([{"c":1}])"));
    EXPECT_TRUE(holds(R"({"$not":{"$elemMatch":{"$not":{"b":1}}}})", R"([{"b":1}])"));
    EXPECT_TRUE(holds(R"({"$allMatch":{"$nor":[{"b":1},{"b":2}]}})", R"([{"b":3},{}])"));
    EXPECT_FALSE(holds(R"({"$allMatch":{"$nor":[{"b":1},{"b":2}]}})", R"([{"b":3},{"b":2}])"));
    EXPECT_FALSE(holds(R"({"$elemMatch":{"$exists":false}})", "[1]"));
    EXPECT_TRUE(holds(R"({"$elemMatch":{"$exists":true}})", "[null]"));
    EXPECT_TRUE(holds(R"({"$elemMatch":{"$elemMatch":{"$gt":5}}})", "[1,[2,6]]"));
    EXPECT_TRUE(holds(R"({"$elemMatch":{"a":{"$elemMatch":{"b":1}},"c":2}})",
                      R"([{"a":[{"b":1}]},{"a":[{"b":1}],"c":2}])"));
    EXPECT_FALSE(holds(R"({"$allMatch":{"$gt":0}})", "[]"));
    EXPECT_TRUE(holds(R"({"$keyMapMatch":{"$eq":"a\"b"}})", R"({"a\"b":1})"));
    EXPECT_FALSE(holds(R"({"$keyMapMatch":{"a":1}})", R"({"a":1})"));
}

// Only that a field does not exist is true of a field that is missing, and not if the way there is bad.
TEST(Operators, MissingFields) {
    for (const char *condition :
         {R"({"$exists":true})", R"({"$ne":1})", R"({"$nin":[]})", R"({"$not":{"$regex":"a"}})",
          R"({"$not":{"$size":1}})", R"({"$not":{"$elemMatch":{"a":1}}})", R"({"$gt":null})"})
        EXPECT_FALSE(matches(R"({"x":)" + std::string(condition) + "}", "{}")) << condition;
    EXPECT_TRUE(matches(R"({"x.y":{"$exists":false}})", "{}"));
    EXPECT_TRUE(matches(R"({"x.y":{"$exists":false}})", R"({"x":{}})"));
    EXPECT_FALSE(matches(R"({"x.y":{"$exists":false}})", R"({"x":1})"));
    EXPECT_FALSE(matches(R"({"x.0":{"$exists":false}})", R"({"x":[]})"));
    EXPECT_FALSE(matches(R"({"x.y":{"$exists":true}})", R"({"x":1})"));
}

} // namespace
} // namespace divan::selector
