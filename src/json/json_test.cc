#include "json/parser.h"
#include "json/writer.h"

#include <gtest/gtest.h>
#include <random>

namespace divan::json {
namespace {

std::string round(std::string_view text, std::size_t raw_depth = 1'000'000) {
    auto value = parse(text, {.raw_depth = raw_depth});
    return value.ok() ? to_text(*value) : "error: " + value.error().reason();
}

TEST(Parser, KeepsWhatMatters) {
    struct Case {
        const char *text;
        const char *expected;
    };
    for (const auto &c : {
             Case{R"({"z":1,"a":2,"m":3})", R"({"z":1,"a":2,"m":3})"},
             Case{R"({"v":123456789012345678901234567890})", R"({"v":123456789012345678901234567890})"},
             Case{"[1.0,1,1e2,-0,-0.0,1E+2,1e-400]", "[1.0,1,1e2,-0,-0.0,1E+2,1e-400]"},
             Case{R"({"v":"\u0041\/\u00e9\ud83d\ude00"})", "{\"v\":\"A/\xc3\xa9\xf0\x9f\x98\x80\"}"},
             Case{R"("\u0000\u001f\b\f\n\r\t\"\\\u007f\u2028")",
                  "\"\\u0000\\u001F\\b\\f\\n\\r\\t\\\"\\\\\x7f\xe2\x80\xa8\""},
             Case{R"({"a":1,"b":2,"a":3})", R"({"b":2,"a":3})"},
             Case{R"({"a":{"b":1,"b":2},"c":[{"d":1,"\u0064":2}]})", R"({"a":{"b":2},"c":[{"d":2}]})"},
             Case{R"({"a":1,"a":2,"a":3,"a":4})", R"({"a":4})"},
             Case{" { \"a\" : [ 1 , 2 ] } ", R"({"a":[1,2]})"},
             Case{R"({"":1})", R"({"":1})"},
             Case{"true", "true"},
             Case{"[[],{},[[]],[{}]]", "[[],{},[[]],[{}]]"},
         })
        for (std::size_t raw_depth : {0, 1, 2, 3, 99})
            EXPECT_EQ(round(c.text, raw_depth), c.expected) << raw_depth;
}

TEST(Parser, RefusesWhatIsMalformed) {
    for (const char *text : {"",
                             " ",
                             "{",
                             "}",
                             "[1,]",
                             "{\"a\":1,}",
                             "{a:1}",
                             "[1 2]",
                             "01",
                             "1.",
                             ".5",
                             "+1",
                             "-",
                             "1e",
                             "1e400",
                             "-1E400",
                             "nul",
                             "truex",
                             "\"a",
                             "\"\\a\"",
                             "\"\\u00zz\"",
                             "\"\\ud800\"",
                             "\"\\udc00\"",
                             "\"\\ud800x\"",
                             "\"\\ud800\\u0041\"",
                             "\"\t\"",
                             "{\"v\":\"\xff\"}",
                             "{\"v\":\"\xed\xa0\x80\"}",
                             "{\"v\":\"\xc0\x80\"}",
                             "\xef\xbb\xbf{}",
                             "{} {}",
                             "NaN",
                             "'a'"})
        for (std::size_t raw_depth : {0, 1, 99})
            EXPECT_EQ(round(text, raw_depth), "error: invalid UTF-8 JSON") << text;
}

TEST(Parser, DepthIsBounded) {
    auto nested = [](std::size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); };
    for (std::size_t raw_depth : {std::size_t{1}, std::size_t{1'000'000}}) {
        EXPECT_EQ(round(nested(5'000), raw_depth), nested(5'000));
        EXPECT_EQ(round(nested(8'001), raw_depth), "error: The JSON is nested deeper than 8000 levels.");
    }
}

TEST(Parser, EqualMembersCanBeRefused) {
    for (std::size_t raw_depth : {0u, 1u, 100u})
        for (const auto &[text, unique] : std::initializer_list<std::pair<const char *, bool>>{
                 {R"({"a":1,"a":1})", false},
                 {R"({"a":1,"b":{"c":[{"d":1,"e":2,"\u0064":3}]}})", false},
                 {R"({"a":1,"b":{"a":1},"A":1})", true}}) {
            ParseOptions options{.raw_depth = raw_depth, .refuse_equal_members = true};
            EXPECT_EQ(parse(text, options).ok(), unique) << text << raw_depth;
        }
    std::string many = "{\"m7\":0";
    for (int i = 0; i < 100; ++i)
        many += ",\"m" + std::to_string(i) + "\":0";
    EXPECT_TRUE(parse(many + "}").ok());
    EXPECT_FALSE(parse(many + "}", {.refuse_equal_members = true}).ok());
}

TEST(Parser, ManyMembersAreLinear) {
    std::string text = "{";
    for (int i = 0; i < 100'000; ++i)
        text += "\"k" + std::to_string(i % 90'000) + "\":" + std::to_string(i) + ",";
    text.back() = '}';
    auto value = parse(text);
    ASSERT_TRUE(value.ok());
    EXPECT_EQ(value->object().size(), 90'000u);
    EXPECT_EQ(value->object().begin()->key, "k10000");
    EXPECT_EQ(to_text(*value), round(text, 0));
}

// Random values with few distinct keys, so that equal ones are common.
void append_random(std::string &out, std::mt19937 &random, int depth) {
    switch (depth > 4 ? random() % 5 : random() % 7) {
    case 0:
        out += "null";
        break;
    case 1:
        out += random() % 2 ? "true" : "false";
        break;
    case 2:
        out += std::to_string(static_cast<std::int32_t>(random())) + (random() % 2 ? ".50" : "");
        break;
    case 3:
        out += "\"\\u00e9 \\n x" + std::to_string(random() % 100) + "\"";
        break;
    case 4:
        out += "\"plain text that is longer than eight bytes\"";
        break;
    case 5: {
        out += "[";
        for (auto i = random() % 5; i > 0; --i) {
            append_random(out, random, depth + 1);
            out += i > 1 ? ", " : "";
        }
        out += "]";
        break;
    }
    default: {
        out += "{";
        for (auto i = random() % 30; i > 0; --i) {
            out +=
                "\"" + std::string(random() % 2 ? "k" : "\\u006b") + std::to_string(random() % 25) + "\": ";
            append_random(out, random, depth + 3);
            out += i > 1 ? "," : "";
        }
        out += "}";
    }
    }
}

TEST(Parser, RawAndParsedAgree) {
    std::mt19937 random(7);
    for (int i = 0; i < 3'000; ++i) {
        std::string text;
        append_random(text, random, 0);
        auto whole = round(text);
        EXPECT_EQ(round(whole), whole);
        for (std::size_t raw_depth : {0, 1, 2, 3})
            ASSERT_EQ(round(text, raw_depth), whole) << text;
    }
}

// What parse_elements() gives of "docs", put together again.
std::string rejoined(const std::string &text) {
    Array elements;
    ElementSink sink{[&] { elements.clear(); },
                     [&](Value element, std::string_view part) {
                         EXPECT_EQ(to_text(*parse(part)), to_text(element));
                         elements.push_back(std::move(element));
                     }};
    auto value = parse_elements(text, "docs", sink);
    if (!value.ok())
        return "error: " + value.error().reason();
    if (value->is_object())
        if (auto *docs = value->object().find("docs"); docs != nullptr && docs->is_array())
            *docs = std::move(elements);
    return to_text(*value);
}

TEST(Parser, ElementsAreThoseOfTheWholeText) {
    for (const char *text :
         {R"({"docs":[]})", R"({"docs":[1, {"a" : [2]},"x"],"b":[3]})", R"({"docs":[1],"docs":[2,3]})",
          R"({"docs":[1,2],"docs":[]})", R"({"docs":[1],"docs":7})", R"({"docs":7,"docs":[1]})",
          R"({"a":{"docs":[1]}})", R"([{"docs":[1]}])", R"({"docs":[1,})", R"({"docs":[1]}x)",
          R"({"d\u006fcs":[1]})"})
        EXPECT_EQ(rejoined(text), round(text)) << text;
    std::mt19937 random(9);
    for (int i = 0; i < 1'000; ++i) {
        std::string element;
        append_random(element, random, 1);
        auto text = "{\"docs\": [" + element + " , " + element + "]}";
        ASSERT_EQ(rejoined(text), round(text)) << text;
    }
}

TEST(Parser, MutationsNeverCrash) {
    std::mt19937 random(8);
    for (int i = 0; i < 20'000; ++i) {
        std::string text;
        append_random(text, random, 2);
        for (int j = 0; j < 3 && !text.empty(); ++j)
            text[random() % text.size()] = static_cast<char>(random());
        auto parsed = round(text);
        EXPECT_EQ(round(text, 1), parsed);
    }
}

// Every character of one byte, at every place of strings of several lengths.
TEST(Writer, EscapesWhatMustBe) {
    for (std::size_t before = 0; before < 20; ++before)
        for (std::size_t behind = 0; behind < 20; ++behind)
            for (int byte = 0; byte < 0x80; ++byte) {
                auto string = std::string(before, 'x') + static_cast<char>(byte) + "\xc3\xa9" +
                              std::string(behind, 'x');
                std::string text;
                write_string(text, string);
                bool escaped = byte < 0x20 || byte == '"' || byte == '\\';
                ASSERT_EQ(text.find('\\') != std::string::npos, escaped) << text;
                ASSERT_EQ(parse(text)->string(), string) << text;
            }
}

TEST(Value, Numbers) {
    EXPECT_EQ(parse("12")->as_int64(), 12);
    EXPECT_EQ(parse("1.0")->as_int64(), std::nullopt);
    EXPECT_EQ(parse("9223372036854775808")->as_int64(), std::nullopt);
    EXPECT_EQ(*parse("1.5e1")->as_double(), 15.0);
    EXPECT_EQ(to_text(Value(0.1)), "0.1");
}

} // namespace
} // namespace divan::json
