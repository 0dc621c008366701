#include "json/canonical_text.h"
#include "json/parser.h"
#include "json/writer.h"

#include <gtest/gtest.h>
#include <random>

namespace divan::json {
namespace {

std::size_t skipped(std::string_view text) {
    return static_cast<std::size_t>(skip_value(text.data(), text.data() + text.size()) - text.data());
}

// Reads a text with the readers alone, and writes what they gave.
std::string walked(std::string_view text) {
    std::string out;
    if (text.starts_with('{')) {
        MemberReader members(text);
        while (members.next()) {
            out += out.empty() ? "{" : ",";
            out += members.key_text();
            EXPECT_EQ(members.key(), inside_quotes(members.key_text()));
            out += ":" + walked(members.value());
        }
        return (out.empty() ? "{" : out) + "}";
    }
    if (text.starts_with('[')) {
        ElementReader elements(text);
        while (elements.next())
            out += (out.empty() ? "[" : ",") + walked(elements.value());
        return (out.empty() ? "[" : out) + "]";
    }
    return std::string(text);
}

TEST(CanonicalText, SkipsAValueOfEveryKind) {
    for (std::string value :
         {"null", "true", "false", "0", "-1.5e10", R"("")", R"("a")", R"("a\"b")", R"("\\")", R"("[{")", "[]",
          "{}", R"([1,[2,"]"],{"a":"}"}])", R"({"a":{"b\\":[]},"c":"\"}"})"})
        for (std::string rest : {"", ",1]", "]", "}", R"(,"a":1})"})
            EXPECT_EQ(skipped(value + rest), value.size()) << value << rest;
}

// Quotes, backslashes and brackets at every place of the blocks that are looked at together.
TEST(CanonicalText, BlocksDoNotShow) {
    for (std::size_t pad = 0; pad < 200; ++pad) {
        const auto filler = "\"" + std::string(pad, 'x') + "\"";
        for (std::string_view tricky : {R"("\\")", R"("\"")", R"("\\\"]}")", R"("\\\\")", "[[],{}]",
                                        R"({"k\"":[",",{}]})", R"("],[")"}) {
            const auto text =
                "[" + filler + "," + std::string(tricky) + ",1,{\"b\":" + std::string(tricky) + "}]";
            EXPECT_EQ(walked(text), text);
            EXPECT_EQ(skipped(text + ",2]"), text.size());
        }
    }
}

TEST(CanonicalText, ValuesNeedNotBeAskedFor) {
    MemberReader members(R"({"a":[1,{"b":2}],"c":"d,e","f":1})");
    std::string keys;
    while (members.next()) {
        keys += members.key();
        if (keys.size() == 2)
            EXPECT_EQ(members.value(), R"("d,e")");
    }
    EXPECT_EQ(keys, "acf");
    EXPECT_FALSE(members.next());

    ElementReader elements(R"(["a,b",[2,3],{},4])");
    int count = 0;
    while (elements.next())
        ++count;
    EXPECT_EQ(count, 4);
}

TEST(CanonicalText, ElementsOfEmptyContainers) {
    EXPECT_EQ(walked("[]"), "[]");
    EXPECT_EQ(walked("{}"), "{}");
    EXPECT_EQ(walked("[[],{},[[]]]"), "[[],{},[[]]]");
}

TEST(CanonicalText, Unescaped) {
    for (std::string plain : {"", "a", "\"\\", "\b\f\n\r\t", "\x01\x1f", "a\nb", "\xc3\xa9\n", "\\u0041"}) {
        std::string text, read = "before ";
        write_string(text, plain);
        append_unescaped(read, inside_quotes(text));
        EXPECT_EQ(read, "before " + plain);
    }
}

// Nothing depends on depth: a million brackets.
TEST(CanonicalText, DeepTexts) {
    constexpr std::size_t kDepth = 1'000'000;
    const auto text = std::string(kDepth, '[') + std::string(kDepth, ']');
    EXPECT_EQ(skipped(text), text.size());
    ElementReader elements(text);
    ASSERT_TRUE(elements.next());
    EXPECT_EQ(elements.value().size(), text.size() - 2);
}

// Texts that are cut or wrong are read to their end and not beyond: memory is as large as the text.
TEST(CanonicalText, WrongTextsEnd) {
    const std::string text = R"({"a":[1,"b\"c",{"d":"\\"}],"e":"f","g":{"h":[[],null]}})";
    std::mt19937 random(1);
    for (std::size_t size = 0; size <= text.size(); ++size) {
        for (int round = 0; round < 20; ++round) {
            std::vector<char> bytes(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(size));
            if (round > 0 && size > 0)
                bytes[random() % size] = R"("\{}[],:)"[random() % 8];
            const std::string_view cut(bytes.data(), bytes.size());
            EXPECT_LE(skipped(cut), size);
            EXPECT_LE(walked(cut).size(), 4 * size + 2);
        }
    }
}

} // namespace
} // namespace divan::json
