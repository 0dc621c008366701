#include "selector/selector.h"

#include "json/parser.h"
#include "json/writer.h"

#include <chrono>
#include <functional>
#include <gtest/gtest.h>

namespace divan::selector {
namespace {

using Strings = std::vector<std::string>;

json::Value parsed(std::string_view text) {
    auto value = json::parse(text);
    EXPECT_TRUE(value.ok()) << text.substr(0, 200);
    return std::move(value).value_or(nullptr);
}

std::shared_ptr<const Selector> compiled(std::string_view text) {
    auto selector = Selector::compile(parsed(text));
    EXPECT_TRUE(selector.ok()) << text.substr(0, 200);
    return std::move(selector).value_or(nullptr);
}

std::string shown(std::string_view text) {
    return json::to_text(compiled(text)->to_json(true));
}

// The form that compile() reads back, after it was.
std::string kept(std::string_view text) {
    const auto form = compiled(text)->to_json(false);
    const auto again = compiled(json::to_text(form));
    EXPECT_EQ(again->to_json(false), form);
    EXPECT_EQ(again->to_json(true), compiled(text)->to_json(true));
    return json::to_text(form);
}

std::string error(std::string_view text, const Limits &limits = {}) {
    const auto selector = Selector::compile(parsed(text), limits);
    if (selector.ok())
        return "none";
    EXPECT_EQ(selector.error().code(), ErrorCode::bad_request);
    return std::string(selector.error().word()) + ": " + std::string(selector.error().reason());
}

// ---- the normal form

TEST(NormalForm, NegationsMoveDown) {
    EXPECT_EQ(shown(R"({"$not":{"$or":[{"a":1},{"$not":{"b":{"$lt":2}}},{"$nor":[{"c":3}]}]}})"),
              R"({"$and":[{"a":{"$ne":1}},{"b":{"$lt":2}},{"$or":[{"c":{"$eq":3}}]}]})");
    EXPECT_EQ(shown(R"({"$nor":[{"a":{"$gt":1,"$lte":2}},{"b":{"$gte":1}},{"c":{"$nin":[1]}}]})"),
              R"({"$and":[{"$or":[{"a":{"$lte":1}},{"a":{"$gt":2}}]},{"b":{"$lt":1}},{"c":{"$in":[1]}}]})");
    EXPECT_EQ(shown(R"({"a":{"$not":{"$regex":"x"}}})"), R"({"a":{"$not":{"$regex":"x"}}})");
    EXPECT_EQ(shown(R"({"$not":{"$not":{"a":{"$not":{"$size":1}}}}})"), R"({"a":{"$not":{"$size":1}}})");
}

TEST(NormalForm, ElementsKeepTheirNegations) {
    EXPECT_EQ(kept(R"({"a":{"$elemMatch":{"$not":{"b":1}}}})"),
              R"({"a":{"$elemMatch":{"$not":{"b":{"$eq":1}}}}})");
    EXPECT_EQ(kept(R"({"$not":{"a":{"$allMatch":{"$not":{"b":1}}}}})"),
              R"({"a":{"$not":{"$allMatch":{"$not":{"b":{"$eq":1}}}}}})");
    EXPECT_EQ(kept(R"({"a":{"$elemMatch":{"$nor":[{"b":1},{"$gt":2}]}}})"),
              R"({"a":{"$elemMatch":{"$and":[{"$not":{"b":{"$eq":1}}},{"$not":{"$gt":2}}]}}})");
    EXPECT_EQ(shown(R"({"a":{"$elemMatch":{}}})"), R"({"a":{"$elemMatch":{"":{"$eq":{}}}}})");
}

TEST(NormalForm, NamesAreKeptWithEscapes) {
    EXPECT_EQ(kept(R"({"a\\.b.c":1})"), R"({"a\\.b.c":{"$eq":1}})");
    EXPECT_EQ(kept(R"({"\\$a":{"b":1}})"), R"({"\\$a.b":{"$eq":1}})");
    EXPECT_EQ(kept(R"({"a\\\\b":1})"), R"({"ab":{"$eq":1}})");
    EXPECT_EQ(kept(R"({"\\":1})"), R"({"\\":{"$eq":1}})");
    EXPECT_EQ(kept(R"({"a":{"\\":{"b":{"\\":{"$gt":1}}}}})"), R"({"a.\\":{"b.\\":{"$gt":1}}})");
    EXPECT_EQ(shown(R"({"\\$a.b\\.c":1})"), R"({"$a.b.c":{"$eq":1}})");
    EXPECT_EQ(kept(R"({"$and":[{},1,{"$nor":[{"$elemMatch":{"$eq":2}}]}]})"),
              R"({"$and":[{"$eq":{}},{"$eq":1},{"$and":[{"$not":{"$elemMatch":{"$eq":2}}}]}]})");
}

TEST(NormalForm, TextSearches) {
    EXPECT_EQ(shown(R"({"$text":"x"})"), R"({"$default":{"$text":"x"}})");
    EXPECT_EQ(kept(R"({"$default":{"$text":[1]},"a":1})"),
              R"({"$and":[{"$default":{"$text":[1]}},{"a":{"$eq":1}}]})");
    EXPECT_EQ(error(R"({"$text":[1]})"), "bad_arg: Bad argument for operator $text: [1]");
    EXPECT_EQ(error(R"({"$default":1})"),
              R"(bad_field: Invalid field normalization on selector: {"$default":1})");
    EXPECT_EQ(error(R"({"a":{"$default":{"$text":1}}})"),
              R"(bad_field: Invalid field normalization on selector: {"$default":{"$text":1}})");
    EXPECT_EQ(error(R"({"$nor":[{"$text":1}]})"),
              R"(bad_arg: Bad argument for operator $not: {"$default":{"$text":1}})");
}

TEST(NormalForm, FieldsAreThoseOfTheDocument) {
    EXPECT_EQ(
        compiled(
            R"({"a\\.b":1,"$or":[{"c":{"d":2}},{"a\\.b":3}],"e":{"$elemMatch":{"f":1}},"$text":1,"g":{"$not":{"$size":1}}})")
            ->fields(),
        (Strings{"a.b", "c.d", "a.b", "e", "$default", "g"}));
    EXPECT_EQ(compiled("{}")->fields(), Strings());
    EXPECT_EQ(compiled(R"({"$and":[{}]})")->fields(), Strings{""});
}

TEST(NormalForm, SomeSelectorsNeedPlainMembersOnly) {
    for (const char *text : {"{}", R"({"a":1,"$or":[{"b.c":{"$exists":false}},{"$not":{"d":2}}]})",
                             R"({"$text":1})", R"({"a":{"$elemMatch":{"_id":1}}})", R"({"a":{"_b":1}})"})
        EXPECT_TRUE(compiled(text)->needs_only_plain_members()) << text;
    for (const char *text :
         {R"({"_id":{"$gt":null}})", R"({"a":1,"$nor":[{"_rev":"1-a"}]})",
          R"({"_attachments.x":{"$exists":true}})", R"({"$or":[{"a":1},{"_deleted":true}]})"})
        EXPECT_FALSE(compiled(text)->needs_only_plain_members()) << text;
}

TEST(NormalForm, VoidIsALeastOfNothing) {
    for (const char *text : {R"({"$and":[]})", R"({"$or":[]})", R"({"$nor":[]})", R"({"$not":{"$or":[]}})"})
        EXPECT_TRUE(compiled(text)->is_void()) << text;
    for (const char *text :
         {"{}", R"({"a":{"$in":[]}})", R"({"a":1,"$or":[]})", R"({"$and":[{"$or":[]}]})", R"({"a":1})"})
        EXPECT_FALSE(compiled(text)->is_void()) << text;
}

// What is kept has the values and the numbers as they were written.
TEST(NormalForm, ArgumentsAreKept) {
    EXPECT_EQ(shown(R"({"a":{"$in":[1.50,{"$gt":1},[ ]]},"b":1e2})"),
              R"({"$and":[{"a":{"$in":[1.50,{"$gt":1},[]]}},{"b":{"$eq":1e2}}]})");
    const auto root = compiled(R"({"a":{"b":{"$gt":5}}})");
    EXPECT_EQ(root->root().kind, Node::Kind::field);
    EXPECT_EQ(root->root().path.steps, (Strings{"a", "b"}));
    EXPECT_EQ(root->root().children.at(0).op, Operator::gt);
    EXPECT_EQ(root->root().children.at(0).argument, json::Value(5));
    EXPECT_EQ(compiled("{}")->root().kind, Node::Kind::everything);
}

TEST(NormalForm, TextsAreParsed) {
    const auto selector = Selector::compile(json::Raw{R"({"a":1})"});
    ASSERT_TRUE(selector.ok());
    EXPECT_EQ(json::to_text((*selector)->to_json(true)), R"({"a":{"$eq":1}})");
}

// ---- errors

// Operators everywhere first, then names, then negations.
TEST(SelectorErrors, OfSeveralTheOneThatCouchdbFinds) {
    EXPECT_EQ(error(R"({"a..b":1,"c":{"$foo":1},"d":{"$in":1}})"),
              "invalid_operator: Invalid operator: $foo");
    EXPECT_EQ(error(R"({"$not":{"$text":1},"a..b":1})"), "invalid_field_name: Invalid field name: a..b");
    EXPECT_EQ(error(R"({"a":{"$elemMatch":{"b..c":1}},"d.":1})"),
              "invalid_field_name: Invalid field name: b..c");
    EXPECT_EQ(error(R"({"$not":{"$elemMatch":{"a":1}}})"),
              "invalid_selector: One or more conditions is missing a field name.");
}

TEST(SelectorErrors, ValuesInReasons) {
    EXPECT_EQ(error(R"({"a":{"$mod":[1,{},"x",{"b":{}}]}})"),
              R"(bad_arg: Bad argument for operator $mod: [1,{[]},"x",{"b":{}}])");
    EXPECT_EQ(error(R"({"a":{"$mod":[0,1]}})"), "bad_arg: Bad argument for operator $mod: [0,1]");
    EXPECT_EQ(error(R"({"a":{"$mod":[-0,1]}})"), "bad_arg: Bad argument for operator $mod: [-0,1]");
    EXPECT_EQ(error(R"({"a":{"$size":1e2}})"), "bad_arg: Bad argument for operator $size: 1e2");
    const auto reason = error(R"({"a":{"$type":["\u00e9)" + std::string(100'000, 'x') + "\"]}}");
    EXPECT_LT(reason.size(), 300u);
    EXPECT_TRUE(reason.ends_with("...")) << reason;
    const auto name = error(R"({"$)" + std::string(100'000, 'x') + R"(":1})");
    EXPECT_LT(name.size(), 300u);
}

// ---- limits

std::string nested(std::string_view begin, std::size_t depth, std::string_view inside, std::string_view end) {
    std::string text;
    for (std::size_t i = 0; i < depth; ++i)
        text += begin;
    text += inside;
    for (std::size_t i = 0; i < depth; ++i)
        text += end;
    return text;
}

TEST(SelectorLimits, Depth) {
    Limits limits;
    limits.depth_max = 10;
    for (auto [begin, end] : {std::pair{R"({"a":)", "}"}, {R"({"$not":)", "}"}, {R"({"$and":[)", "]}"}}) {
        EXPECT_EQ(error(nested(begin, 8, R"({"a":1})", end), limits), "none") << begin;
        EXPECT_EQ(error(nested(begin, 10, R"({"a":1})", end), limits),
                  "bad_arg: The selector is nested deeper than 10 levels.")
            << begin;
    }
    EXPECT_EQ(
        error(
            R"({"a":{"$elemMatch":{"b":{"$elemMatch":{"c":{"$elemMatch":{"d":{"$elemMatch":{"e":{"$elemMatch":{"f":1}}}}}}}}}}})",
            limits),
        "bad_arg: The selector is nested deeper than 10 levels.");
    EXPECT_EQ(error(R"({"a.a.a.a.a.a":{"a.a.a.a":1}})", limits), "none");
    EXPECT_EQ(error(R"({"a.a.a.a.a.a":{"a.a.a.a.a":1}})", limits),
              "bad_arg: A field is nested deeper than 10 levels.");
    // Values are no levels.
    EXPECT_EQ(error(R"({"a":{"$eq":)" + nested("[", 1000, "", "]") + "}}", limits), "none");
}

TEST(SelectorLimits, Conditions) {
    Limits limits;
    limits.conditions_max = 5;
    const std::string reason = "bad_arg: The selector has more than 5 conditions and values.";
    EXPECT_EQ(error(R"({"a":{"$in":[1,2,3,4]}})", limits), "none");
    EXPECT_EQ(error(R"({"a":{"$in":[1,2,3,4,5]}})", limits), reason);
    EXPECT_EQ(error(R"({"a":{"$all":[1,2]},"b":{"$nin":[3,4]}})", limits), reason);
    EXPECT_EQ(error(R"({"a":1,"b":2,"c":3,"d":4})", limits), "none");
    EXPECT_EQ(error(R"({"a":1,"b":2,"c":3,"d":4,"e":5})", limits), reason);
    EXPECT_EQ(error(R"({"$or":[{"$or":[]},{"$or":[]},{"$or":[]},{"$or":[]},{"$or":[]}]})", limits), reason);
}

TEST(SelectorLimits, Names) {
    Limits limits;
    limits.path_bytes_max = 10;
    EXPECT_EQ(error(R"({"aaaaa":{"$gt":1,"$lt":2}})", limits), "none");
    EXPECT_EQ(error(R"({"aaaaa":{"$gt":1,"$lt":2,"$ne":3}})", limits),
              "bad_arg: The names of the fields of all conditions have more than 10 bytes.");
}

TEST(SelectorLimits, RegularExpressions) {
    Limits limits;
    limits.regex_bytes_max = 5;
    EXPECT_EQ(error(R"({"a":{"$regex":"aaaaa"}})", limits), "none");
    EXPECT_EQ(error(R"({"a":{"$regex":"aaaaaa"}})", limits),
              "bad_arg: A regular expression has more than 5 bytes.");
    EXPECT_TRUE(error(R"({"a":{"$regex":")" + nested("(", 300, "a", ")") + R"("}})")
                    .starts_with("bad_arg: Bad argument for operator $regex"));
    // Short patterns with long programs.
    std::string many = R"({"$or":[)";
    for (int i = 0; i < 1000; ++i)
        many += std::string(i > 0 ? "," : "") + R"({"a":{"$regex":"((ab){1,500}){1,5}"}})";
    EXPECT_EQ(error(many + "]}"),
              "bad_arg: The regular expressions take more than 4194304 bytes when compiled.");
}

// ---- hostile input

double seconds_of(const std::function<void()> &work) {
    const auto begin = std::chrono::steady_clock::now();
    work();
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

// Far from what linear work takes, and far below what anything else would.
constexpr double kPatienceSeconds = 5;

TEST(HostileSelectors, AreRefusedSoon) {
    const auto deep = parsed(nested(R"({"a":)", 7000, "1", "}"));
    const auto negated = parsed(nested(R"({"$not":)", 7000, R"({"a":1})", "}"));
    std::string text = R"({"a":{"$in":[0)";
    for (int i = 1; i < 1'000'000; ++i)
        text += ',' + std::to_string(i);
    const auto wide = parsed(text + "]}}");
    text = R"({"$and":[{"a":1})";
    for (int i = 1; i < 300'000; ++i)
        text += R"(,{"a":1})";
    const auto many = parsed(text + "]}");
    const auto long_name = parsed(R"({")" + std::string(5'000'000, 'a') + R"(":{"$gt":1,"$lt":2}})");
    const auto steps = parsed(R"({"a)" + nested(".a", 1'000'000, "", "") + R"(":1})");
    EXPECT_LT(seconds_of([&] {
                  for (const auto &value : {deep, negated, wide, many, long_name, steps})
                      EXPECT_FALSE(Selector::compile(value).ok());
              }),
              kPatienceSeconds);
}

// The largest that is allowed: 10,000 conditions with as many fields, on a document that has them all.
TEST(HostileSelectors, LargestIsMatchedInLinearTime) {
    std::string selector = "{", document = "{";
    for (int i = 0; i < 9'000; ++i) {
        const auto member = (i > 0 ? ",\"f" : "\"f") + std::to_string(i) + "\":" + std::to_string(i);
        selector += member;
        document += member;
    }
    const auto value = parsed(selector + "}");
    document += "}";
    EXPECT_LT(seconds_of([&] {
                  const auto large = Selector::compile(value);
                  ASSERT_TRUE(large.ok());
                  Matcher matcher(*large);
                  for (int i = 0; i < 20; ++i)
                      EXPECT_TRUE(matcher.matches(document));
              }),
              kPatienceSeconds);
}

TEST(HostileSelectors, ManyValuesAgainstManyElements) {
    std::string values, elements;
    for (int i = 0; i < 9'000; ++i)
        values += (i > 0 ? ",\"v" : "\"v") + std::to_string(i) + '"';
    for (int i = 0; i < 100'000; ++i)
        elements += (i > 0 ? ",\"e" : "\"e") + std::to_string(i) + '"';
    for (const char *op : {"$in", "$nin", "$all"}) {
        const auto selector = compiled(R"({"a":{")" + std::string(op) + "\":[" + values + "]}}");
        Matcher matcher(selector);
        const auto document = R"({"a":[)" + elements + "]}";
        EXPECT_LT(seconds_of([&] { EXPECT_EQ(matcher.matches(document), std::string_view(op) == "$nin"); }),
                  kPatienceSeconds)
            << op;
    }
}

TEST(HostileSelectors, RegularExpressionsAreGivenUp) {
    struct {
        const char *pattern;
        std::string subject;
    } const cases[] = {
        {"^(a+)+$", std::string(40, 'a') + "!"},
        {"^(?:a|aa)+$", std::string(5'000, 'a') + "!"},
        {"(?:.*.*.*)*[xy]$", std::string(300'000, 'a')},
        {"(.{0,300}){5}[!?]", std::string(300'000, 'a')},
        {"(?:a*!|a)*[!?]", std::string(30'000, 'a')},
        {"[a-z]+[!?]", std::string(2'000'000, 'a')}, // few steps, each of them long
    };
    for (const auto &[pattern, subject] : cases) {
        json::Object condition, selector, document;
        condition.append("$regex", pattern);
        selector.append("s", std::move(condition));
        document.append("s", subject);
        const auto ready = Selector::compile(std::move(selector));
        ASSERT_TRUE(ready.ok());
        Matcher matcher(*ready);
        const auto text = json::to_text(document);
        EXPECT_LT(seconds_of([&] { EXPECT_FALSE(matcher.matches(text)); }), kPatienceSeconds) << pattern;
        EXPECT_EQ(matcher.regexes_given_up(), 1u) << pattern;
    }
}

// A selector is shared by matchers of several threads.
// Long strings are no reason to give up, nor are settings at the front of a pattern.
TEST(Selector, RegularExpressionsInLongStrings) {
    const auto document = R"({"s":")" + std::string(1'000'000, 'a') + R"( the end\n"})";
    for (const char *pattern : {"the end$", "(*UTF)(*UCP)t[a-z]e end", "(?i)THE", " the|^b", "a (?=the)"}) {
        Matcher matcher(compiled(R"({"s":{"$regex":")" + std::string(pattern) + "\"}}"));
        EXPECT_TRUE(matcher.matches(document)) << pattern;
        EXPECT_EQ(matcher.regexes_given_up(), 0u) << pattern;
    }
    Matcher matcher(compiled(R"({"s":{"$regex":"^the"}})"));
    EXPECT_FALSE(matcher.matches(document));
    EXPECT_EQ(matcher.regexes_given_up(), 0u);
}

TEST(Selector, OutlivesWhoMadeItAndIsShared) {
    auto selector = compiled(R"({"a":{"$regex":"^x","$in":["x1","x2"]}})");
    Matcher first(selector), second(selector);
    selector = nullptr;
    Matcher moved(std::move(first));
    EXPECT_TRUE(moved.matches(R"({"a":"x1"})"));
    EXPECT_FALSE(second.matches(R"({"a":"x3"})"));
    EXPECT_TRUE(second.matches(R"({"a":"x2"})"));
    EXPECT_EQ(second.regexes_given_up(), 0u);
}

} // namespace
} // namespace divan::selector
