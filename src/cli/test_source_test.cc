#include "cli/test_source.h"

#include "json/writer.h"

#include <gtest/gtest.h>

namespace divan::cli {
namespace {

std::string json_of(const std::string &yaml) {
    auto source = parse_yaml("a.yaml", yaml);
    return source.ok() ? json::to_text(source->value) : source.error().reason();
}

TEST(TestSource, PlainScalarsHaveTypes) {
    EXPECT_EQ(json_of("[~, null, true, False, yes, abc, 2024-01-15, '', ]"),
              R"([null,null,true,false,"yes","abc","2024-01-15",""])");
    EXPECT_EQ(json_of("[0, -12, +3, 007, 1.50, .5, 5., -0, 1e3, 2E-7, 0x1F, 0o17]"),
              "[0,-12,3,7,1.50,0.5,5,-0,1e3,2e-7,31,15]");
    EXPECT_EQ(json_of("[1e, e1, ., -, +, 1.2.3, 0x, 0o8, .inf, .nan, 1_000, '.e1', 1:30]"),
              R"(["1e","e1",".","-","+","1.2.3","0x","0o8",".inf",".nan","1_000",".e1","1:30"])");
    EXPECT_EQ(json_of("123456789012345678901234567890"), "123456789012345678901234567890");
}

TEST(TestSource, QuotedAndBlockScalarsAreStrings) {
    EXPECT_EQ(json_of("['1', \"true\", '~', !!str 5, \"a\\u00e9\\n\"]"),
              "[\"1\",\"true\",\"~\",\"5\",\"a\xc3\xa9\\n\"]");
    EXPECT_EQ(json_of("map: |\n  f(1)\n  g(2)\n"), R"({"map":"f(1)\ng(2)\n"})");
}

TEST(TestSource, MembersKeepTheirOrder) {
    EXPECT_EQ(json_of("b: 1\na: {d: [], c: {}}\n1: x\n"), R"({"b":1,"a":{"d":[],"c":{}},"1":"x"})");
    EXPECT_EQ(json_of("a: &x [1]\nb: *x\nc:\n"), R"({"a":[1],"b":[1],"c":null})");
}

TEST(TestSource, ErrorsNameTheLine) {
    EXPECT_EQ(json_of("a: 1\na: 2\n"), "a.yaml:2: the key \"a\" is there twice");
    EXPECT_EQ(json_of("a: 1\nb: !new 2\n"), "a.yaml:2: the tag !new is not supported");
    EXPECT_EQ(json_of("a: 1\n? [b]\n: 2\n"), "a.yaml:2: a key has to be a string");
    EXPECT_TRUE(json_of("a: 1\nb: [1,\n").starts_with("a.yaml:3: ")) << json_of("a: 1\nb: [1,\n");
    EXPECT_EQ(json_of("a\n---\nb\n"), "a.yaml: one YAML document is needed, there are 2");
    EXPECT_EQ(json_of(""), "a.yaml: one YAML document is needed, there are 0");
    EXPECT_EQ(json_of("\xff"), "a.yaml: is not UTF-8");
    EXPECT_NE(json_of(std::string(100'000, '[')).find("a.yaml:1: "), std::string::npos);
}

TEST(TestSource, AliasesDoNotMakeEndlessValues) {
    std::string text = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n";
    for (int i = 1; i < 8; ++i) {
        auto before = "*a" + std::to_string(i - 1);
        text += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + before;
        for (int j = 1; j < 10; ++j)
            text.append(", ").append(before);
        text += "]\n";
    }
    EXPECT_NE(json_of(text).find("more than 1000000 values"), std::string::npos);
}

TEST(TestSource, JsonKeepsWhatYamlCannot) {
    auto source = parse_json("a.json", "{\"a\":\n [\"\\ud83d\\ude00\", 1.0]}");
    ASSERT_TRUE(source.ok());
    EXPECT_EQ(json::to_text(source->value), "{\"a\":[\"\xf0\x9f\x98\x80\",1.0]}");
    EXPECT_TRUE(parse_json("a.json", "{\"a\":\n [1}").error().reason().starts_with("a.json:2: "));
    EXPECT_EQ(parse_json("a.json", "a: 1").error().reason(), "a.json: invalid UTF-8 JSON");
}

TEST(TestSource, NodesKnowTheirPlace) {
    for (bool is_json : {false, true}) {
        auto source = is_json ? parse_json("a", "{\"tests\": [\n {},\n {\"view\": 1}]}")
                              : parse_yaml("a", "tests:\n - {}\n - view: 1\n");
        ASSERT_TRUE(source.ok());
        SourceNode root(*source);
        EXPECT_EQ(root.error("x").reason(), "a:1: x");
        EXPECT_FALSE(root.find("none"));
        auto tests = root.find("tests");
        ASSERT_TRUE(tests);
        auto view = tests->elements().at(1).find("view");
        ASSERT_TRUE(view);
        EXPECT_EQ(view->error("bad").reason(), "a:3: tests[1].view: bad");
    }
}

} // namespace
} // namespace divan::cli
