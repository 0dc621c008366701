#include "collation/sort_key.h"

#include "collation/ascii_key.h"
#include "collation/string_key.h"
#include "json/parser.h"
#include "json/writer.h"

#include <gtest/gtest.h>
#include <random>
#include <thread>

namespace divan::collation {
namespace {

using Random = std::mt19937_64;

constexpr std::array kOrders = {Order::unicode, Order::raw};

std::size_t below(Random &random, std::size_t end) {
    return std::uniform_int_distribution<std::size_t>(0, end - 1)(random);
}

int sign(int number) {
    return (number > 0) - (number < 0);
}

json::Value parsed(std::string_view text) {
    auto value = json::parse(text, {.depth_max = json::kAnyDepth});
    EXPECT_TRUE(value.ok()) << text;
    return std::move(value).value();
}

std::string key_of(std::string_view text, Order order = Order::unicode) {
    return sort_key(parsed(text), order);
}

std::string hex(std::string_view bytes) {
    std::string text;
    for (unsigned char byte : bytes) {
        constexpr std::string_view kDigits = "0123456789abcdef";
        text += kDigits[byte >> 4];
        text += kDigits[byte & 15];
    }
    return text;
}

// ---- values to compare

std::string random_ascii(Random &random, std::size_t size_max) {
    std::string text(below(random, size_max + 1), '\0');
    for (auto &c : text)
        c = static_cast<char>(below(random, 128));
    return text;
}

void append_code_point(std::string &text, std::size_t code) {
    if (code >= 0xd800 && code < 0xe000)
        code = 0xfffe;
    auto tail = [&](unsigned shift) { return static_cast<char>(0x80 | ((code >> shift) & 0x3f)); };
    if (code < 0x80)
        text += static_cast<char>(code);
    else if (code < 0x800)
        (text += static_cast<char>(0xc0 | (code >> 6))) += tail(0);
    else if (code < 0x10000)
        ((text += static_cast<char>(0xe0 | (code >> 12))) += tail(6)) += tail(0);
    else
        (((text += static_cast<char>(0xf0 | (code >> 18))) += tail(12)) += tail(6)) += tail(0);
}

// Characters that collation treats in many ways: combining, contracting, expanding, ignored, without
// assigned weight, beyond the first plane, special (U+FFFE, U+FFFF).
std::string random_unicode(Random &random, std::size_t size_max) {
    static const std::array<std::string, 32> kPieces = {"a",
                                                        "A",
                                                        "e",
                                                        "s",
                                                        "S",
                                                        "-",
                                                        " ",
                                                        "\t",
                                                        "0",
                                                        "9",
                                                        std::string("\0", 1),
                                                        "\x7f",
                                                        "\u0301",
                                                        "\u0308",
                                                        "\u00e9",
                                                        "\u00df",
                                                        "\u00c6",
                                                        "\u0327",
                                                        "\u0430",
                                                        "\u0418\u0306",
                                                        "\u05d0",
                                                        "\u0e40",
                                                        "\u0e01",
                                                        "\u1100",
                                                        "\uac00",
                                                        "\u4e2d",
                                                        "\u65e5",
                                                        "\u200b",
                                                        "\ufff0",
                                                        "\uffff",
                                                        "\U0001f600",
                                                        "\U00020000"};
    std::string text;
    for (auto size = below(random, size_max + 1); size > 0; --size) {
        if (below(random, 4) == 0)
            append_code_point(text, below(random, 2) == 0 ? below(random, 0x3000) : below(random, 0x110000));
        else
            text += kPieces[below(random, kPieces.size())];
    }
    return text;
}

std::string random_number(Random &random) {
    static const std::array<std::string, 22> kNumbers = {"0",
                                                         "-0",
                                                         "0.0",
                                                         "-0e5",
                                                         "1",
                                                         "1.0",
                                                         "1e0",
                                                         "10e-1",
                                                         "9007199254740991",
                                                         "9007199254740992",
                                                         "9007199254740993",
                                                         "9007199254740992.0",
                                                         "123456789012345678901234567890",
                                                         "123456789012345677877719597056",
                                                         "1.2345678901234568e29",
                                                         "1e308",
                                                         "5e-324",
                                                         "1e-400",
                                                         "0.1",
                                                         "4503599627370495.5",
                                                         "4503599627370496",
                                                         "1.7976931348623157e308"};
    auto text = [&]() -> std::string {
        switch (below(random, 5)) {
        case 0:
            return kNumbers[below(random, kNumbers.size())];
        case 1:
            return std::to_string(below(random, 200));
        case 2: {
            std::string digits = std::to_string(1 + below(random, 9));
            for (auto size = below(random, 40); size > 0; --size)
                digits += static_cast<char>('0' + below(random, 10));
            return digits;
        }
        case 3:
            return std::to_string(below(random, 100)) + "." + std::to_string(below(random, 1000));
        default:
            return std::to_string(below(random, 100)) + "e" +
                   std::to_string(static_cast<int>(below(random, 60)) - 30);
        }
    }();
    return below(random, 2) == 0 && text[0] != '-' ? "-" + text : text;
}

json::Value random_value(Random &random, std::size_t depth) {
    switch (below(random, depth == 0 ? 5 : 8)) {
    case 0:
        return nullptr;
    case 1:
        return below(random, 2) == 0;
    case 2:
        return json::Number{random_number(random)};
    case 3:
        return random_ascii(random, 4);
    case 4:
        return random_unicode(random, 4);
    case 5:
    case 6: {
        json::Array array;
        for (auto size = below(random, 4); size > 0; --size)
            array.push_back(random_value(random, depth - 1));
        return array;
    }
    default: {
        json::Object object;
        for (auto size = below(random, 4); size > 0; --size)
            object.set(below(random, 2) == 0 ? random_unicode(random, 2) : random_ascii(random, 2),
                       random_value(random, depth - 1));
        return object;
    }
    }
}

void expect_agree(const json::Value &left, const json::Value &right, Order order) {
    auto a = sort_key(left, order), b = sort_key(right, order);
    auto texts = [&] {
        return json::to_text(left) + " " + hex(a) + "\n" + json::to_text(right) + " " + hex(b);
    };
    ASSERT_EQ(sign(a.compare(b)), compare(left, right, order)) << texts();
    ASSERT_TRUE(a == b || (!a.starts_with(b) && !b.starts_with(a))) << texts();
}

// ---- the order

TEST(SortKey, AgreesWithCompareForAllPairs) {
    Random random(1);
    std::vector<json::Value> values;
    for (int i = 0; i < 400; ++i)
        values.push_back(random_value(random, 2));
    for (auto order : kOrders)
        for (const auto &left : values)
            for (const auto &right : values)
                ASSERT_NO_FATAL_FAILURE(expect_agree(left, right, order));
}

TEST(SortKey, AgreesWithCompareForNumbers) {
    Random random(2);
    std::vector<json::Value> values;
    for (int i = 0; i < 400; ++i)
        values.emplace_back(json::Number{random_number(random)});
    for (const auto &left : values)
        for (const auto &right : values)
            ASSERT_NO_FATAL_FAILURE(expect_agree(left, right, Order::unicode));
}

// Pairs that share much, so that what comes late decides.
TEST(SortKey, AgreesWithCompareForStrings) {
    Random random(3);
    for (int i = 0; i < 100'000; ++i) {
        auto start = random_unicode(random, 5);
        auto left = start + random_unicode(random, 3), right = start + random_unicode(random, 3);
        for (auto order : kOrders)
            ASSERT_NO_FATAL_FAILURE(expect_agree(left, right, order));
    }
}

TEST(SortKey, EqualValuesHaveEqualKeys) {
    for (auto [left, right] : {std::pair(R"("e\u0301")", R"("\u00e9")"),
                               {"0", "-0"},
                               {"0", "-0.0e9"},
                               {"1", "1.0"},
                               {"100", "1e2"},
                               {"120", "12.0e1"},
                               {"-0.5", "-5e-1"},
                               {"1e23", "99999999999999991611392"},
                               {R"(["a",{"b":1.0}])", R"(["a",{"b":1}])"},
                               {R"("a\u0000b")", R"("ab")"}})
        EXPECT_EQ(key_of(left), key_of(right)) << left << " " << right;
    EXPECT_NE(key_of("9007199254740993"), key_of("9007199254740992"));
    EXPECT_NE(key_of("1e23"), key_of("100000000000000000000000"));
    EXPECT_NE(key_of(R"("e\u0301")", Order::raw), key_of(R"("\u00e9")", Order::raw));
}

TEST(SortKey, NumbersBeyondDoublesKeepEveryDigit) {
    std::string digits(1'000, '7');
    auto less = digits + "7", more = digits + "8";
    EXPECT_LT(key_of(less), key_of(more));
    EXPECT_GT(key_of("-" + less), key_of("-" + more));
    EXPECT_LT(key_of("1e308"), key_of(less));
    EXPECT_LT(key_of("-" + less), key_of("-1e308"));
    EXPECT_EQ(compare(parsed(less), parsed(more)), -1);
}

TEST(SortKey, SmallKeysAreShort) {
    EXPECT_EQ(hex(key_of("0")), "06");
    EXPECT_EQ(hex(key_of("42")), "074254");
    EXPECT_EQ(hex(key_of("-42")), "05bdab");
    EXPECT_EQ(hex(key_of("1234")), "07441944");
    EXPECT_EQ(hex(key_of("[null,true]")), "09020400");
    EXPECT_EQ(hex(key_of("{}")), "0a00");
}

TEST(SortKey, TextAndValueAndRawGiveTheSame) {
    Random random(4);
    for (int i = 0; i < 20'000; ++i) {
        auto value = random_value(random, 3);
        auto text = json::to_text(value);
        for (auto order : kOrders) {
            std::string key = "before";
            append_sort_key(key, std::string_view(text), order);
            ASSERT_EQ(key, "before" + sort_key(value, order)) << text;
            ASSERT_EQ(sort_key(json::Raw{text}, order), sort_key(value, order)) << text;
        }
        ASSERT_EQ(compare(json::Raw{text}, value), 0) << text;
    }
}

TEST(SortKey, DeepTextsNeedNoStack) {
    constexpr std::size_t kDepth = 3'000'000;
    std::string text(kDepth, '['), key;
    text.append(kDepth, ']');
    append_sort_key(key, std::string_view(text));
    EXPECT_EQ(key, std::string(kDepth, '\x09') + std::string(kDepth, '\0'));
}

TEST(SortKey, EscapesOfAnyJsonText) {
    std::string key;
    append_sort_key(key, std::string_view(R"("\/\u0041\ud83d\ude00\"\\\b")"), Order::raw);
    EXPECT_EQ(key, "\x0d/A\U0001f600\"\\\b" + std::string(1, '\0'));
}

TEST(SortKey, WhatIsNoJsonEndsSomehow) {
    for (std::string_view text : {"", "\"", "\"\\", "\"\\u", "\"\\ud800\\u", "t", "nul", "nan", "-", "inf",
                                  "1e999", "]", "\"a\\\"", "\xff", "--1.5"})
        for (auto order : kOrders) {
            std::string key;
            append_sort_key(key, text, order);
            EXPECT_LT(key.size(), 64u) << text;
        }
}

TEST(SortKey, ThreadsShareTheCollator) {
    auto expected = sort_key("d\u00e9j\u00e0 vu");
    std::vector<std::thread> threads;
    std::atomic<int> wrong = 0;
    for (int i = 0; i < 4; ++i)
        threads.emplace_back([&] {
            for (int j = 0; j < 2'000; ++j)
                wrong += sort_key("d\u00e9j\u00e0 vu") != expected || compare("\u00e9", "e") != 1;
        });
    for (auto &thread : threads)
        thread.join();
    EXPECT_EQ(wrong, 0);
}

// ---- ASCII without ICU

void expect_icu_bytes(std::string_view text) {
    static const AsciiKeys kKeys;
    ASSERT_TRUE(kKeys.usable());
    std::string own, icu;
    kKeys.append(own, text);
    append_icu_key(icu, text);
    ASSERT_EQ(hex(own), hex(icu)) << hex(text);
    ASSERT_EQ(icu.find('\0'), icu.size() - 1);
}

TEST(AsciiKeys, AreTheBytesOfIcu) {
    Random random(5);
    for (int i = 0; i < 200'000; ++i)
        ASSERT_NO_FATAL_FAILURE(expect_icu_bytes(random_ascii(random, 40)));
    for (int i = 0; i < 2'000; ++i)
        ASSERT_NO_FATAL_FAILURE(expect_icu_bytes(random_ascii(random, 1'000)));
}

// Runs around the counts that one byte can hold, with what ends a run.
TEST(AsciiKeys, RunsOfCommonWeights) {
    for (std::size_t size = 0; size < 400; ++size)
        for (const char *end : {"", "A", "AA", " b", "a\x01", "1B-C"})
            ASSERT_NO_FATAL_FAILURE(expect_icu_bytes("Q" + std::string(size, 'x') + end));
}

TEST(StringKey, NonAsciiIsIcu) {
    Random random(6);
    for (int i = 0; i < 20'000; ++i) {
        auto text = random_unicode(random, 40);
        std::string key, icu;
        append_string_key(key, text);
        append_icu_key(icu, text);
        ASSERT_EQ(hex(key), hex(icu));
        ASSERT_EQ(icu.find('\0'), icu.size() - 1);
    }
    std::string text, key, prefix;
    for (int i = 0; i < 5'000; ++i)
        text += "\u00e9a";
    append_string_key(key, text);
    append_string_key(prefix, std::string_view(text).substr(3));
    EXPECT_GT(key, prefix);
}

// ---- bytes

TEST(Bytes, KeepTheirOrderAndAreTakenBack) {
    Random random(7);
    auto random_bytes = [&] {
        std::string bytes(below(random, 5), '\0');
        for (auto &byte : bytes)
            byte = std::string("\0\1\2a\xff", 5)[below(random, 5)];
        return bytes;
    };
    for (int i = 0; i < 20'000; ++i) {
        auto left = random_bytes(), right = random_bytes();
        std::string a, b;
        append_bytes(a, left);
        append_bytes(b, right);
        ASSERT_EQ(sign(a.compare(b)), sign(left.compare(right)));
        ASSERT_TRUE(a == b || (!a.starts_with(b) && !b.starts_with(a)));
        ASSERT_LE(a.size(), 2 * left.size() + 1);
        auto both = a + b;
        std::string_view in = both;
        std::string taken;
        ASSERT_TRUE(take_bytes(in, taken));
        ASSERT_EQ(taken, left);
        ASSERT_EQ(in, b);
    }
}

TEST(Bytes, WhatWasNotAppendedIsRefused) {
    for (const std::string &text : {std::string(), std::string("a"), std::string("a\1"),
                                    std::string("\1\0", 2), std::string("\1\3\0", 3)}) {
        std::string_view in = text;
        std::string bytes = "kept";
        EXPECT_FALSE(take_bytes(in, bytes)) << hex(text);
        EXPECT_EQ(in, text);
        EXPECT_EQ(bytes, "kept");
    }
}

TEST(Collator, TellsItsVersions) {
    const auto &info = collator_info();
    EXPECT_EQ(collator_version(), info.library_version + "/" + info.collator_version);
    for (const auto *version : {&info.library_version, &info.collator_version, &info.algorithm_version})
        EXPECT_TRUE(!version->empty() && version->find_first_not_of("0123456789.") == std::string::npos)
            << *version;
}

} // namespace
} // namespace divan::collation
