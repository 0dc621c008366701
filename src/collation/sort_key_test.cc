#include "collation/sort_key.h"

#include "collation/recorded_order.h"
#include "collation/string_key.h"
#include "json/parser.h"
#include "json/writer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <span>
#include <unicode/ucol.h>
#include <unicode/ustring.h>

namespace divan::collation {
namespace {

int sign(int number) {
    return number < 0 ? -1 : number > 0 ? 1 : 0;
}

std::vector<json::Value> parsed(std::span<const char *const> texts) {
    std::vector<json::Value> values;
    for (const auto *text : texts)
        values.push_back(json::parse(text).value());
    return values;
}

// Values of every type, many of them near each other.
json::Value random_value(std::mt19937_64 &random, int depth = 0) {
    static const char *const numbers[] = {"0",
                                          "-0",
                                          "0.0",
                                          "1",
                                          "1.0",
                                          "1e0",
                                          "-1",
                                          "2",
                                          "10",
                                          "9",
                                          "0.1",
                                          "0.1",
                                          "1.5",
                                          "99",
                                          "100",
                                          "101",
                                          "1e3",
                                          "1000",
                                          "-1.5",
                                          "-1.55",
                                          "1e-7",
                                          "5e-324",
                                          "1e308",
                                          "-1e308",
                                          "9007199254740992",
                                          "9007199254740993",
                                          "9007199254740994",
                                          "9.007199254740993e15",
                                          "123456789012345678901234567890",
                                          "1.2345678901234568e29",
                                          "1e22",
                                          "10000000000000000000000",
                                          "1e23",
                                          "99999999999999991611392"};
    static const char *const strings[] = {"",
                                          "a",
                                          "A",
                                          "b",
                                          "aa",
                                          "a b",
                                          "a-b",
                                          "ab",
                                          "\xc3\xa9",
                                          "e\xcc\x81",
                                          "e",
                                          "\xc3\xa4",
                                          "z",
                                          "~",
                                          "_",
                                          "0",
                                          "10",
                                          "2",
                                          "\xef\xbf\xb0",
                                          "\x01",
                                          "\t",
                                          "a\x01"
                                          "b",
                                          "\xf0\x9f\x98\x80",
                                          "co-op",
                                          "coop",
                                          "CO-OP",
                                          "\xce\xb1"};
    switch (random() % (depth < 3 ? 7 : 5)) {
    case 0:
        return nullptr;
    case 1:
        return random() % 2 == 0;
    case 2:
        return json::Number{numbers[random() % std::size(numbers)]};
    case 3:
        return strings[random() % std::size(strings)];
    case 4:
        return static_cast<std::int64_t>(random() % 2'000) - 1'000;
    case 5: {
        json::Array array;
        for (auto count = random() % 4; count > 0; --count)
            array.push_back(random_value(random, depth + 1));
        return array;
    }
    default: {
        json::Object object;
        for (auto count = random() % 4; count > 0; --count)
            object.set(strings[random() % std::size(strings)], random_value(random, depth + 1));
        return object;
    }
    }
}

TEST(SortKey, OrdersAsCouchdbDid) {
    auto check = [](std::span<const char *const> texts, Order order) {
        auto values = parsed(texts);
        for (std::size_t i = 1; i < values.size(); ++i) {
            EXPECT_LE(sort_key(values[i - 1], order), sort_key(values[i], order))
                << texts[i - 1] << " " << texts[i];
            EXPECT_LE(compare(values[i - 1], values[i], order), 0) << texts[i - 1] << " " << texts[i];
        }
    };
    check(kUnicodeOrder, Order::unicode);
    check(kRawOrder, Order::raw);
}

TEST(SortKey, ComparesAsTheComparisonDoes) {
    std::mt19937_64 random(1);
    std::vector<json::Value> values = parsed(kUnicodeOrder);
    for (int i = 0; i < 500; ++i)
        values.push_back(random_value(random));
    for (auto order : {Order::unicode, Order::raw}) {
        std::vector<std::string> keys;
        for (const auto &value : values)
            keys.push_back(sort_key(value, order));
        for (std::size_t i = 0; i < values.size(); ++i)
            for (std::size_t j = 0; j < values.size(); ++j) {
                auto expected = compare(values[i], values[j], order);
                ASSERT_EQ(sign(keys[i].compare(keys[j])), expected)
                    << json::to_text(values[i]) << " " << json::to_text(values[j]);
                ASSERT_EQ(compare(values[j], values[i], order), -expected);
            }
    }
}

TEST(SortKey, NoneIsAPrefixOfAnother) {
    std::mt19937_64 random(2);
    std::vector<std::string> keys;
    for (int i = 0; i < 3'000; ++i)
        keys.push_back(sort_key(random_value(random)));
    std::sort(keys.begin(), keys.end());
    for (std::size_t i = 1; i < keys.size(); ++i)
        EXPECT_TRUE(keys[i] == keys[i - 1] || !keys[i].starts_with(keys[i - 1]));
}

TEST(SortKey, EqualValuesHaveEqualKeys) {
    auto key = [](const char *text) { return sort_key(json::parse(text).value()); };
    EXPECT_EQ(key("1"), key("1.0"));
    EXPECT_EQ(key("1"), key("1e0"));
    EXPECT_EQ(key("0"), key("-0"));
    EXPECT_EQ(key("0"), key("0.0e5"));
    EXPECT_EQ(key("1e22"), key("10000000000000000000000"));
    EXPECT_EQ(key("\"\\u00e9\""), key("\"e\\u0301\""));
    EXPECT_LT(key("9007199254740992"), key("9007199254740993")) << "integers are not squeezed into doubles";
    EXPECT_LT(key("123456789012345678901234567890"), key("123456789012345678901234567891"));
}

TEST(SortKey, StringsAreIcusKeys) {
    std::mt19937_64 random(3);
    UErrorCode status = U_ZERO_ERROR;
    auto *root = ucol_open("", &status);
    ASSERT_TRUE(U_SUCCESS(status));
    for (int i = 0; i < 200'000; ++i) {
        std::string text;
        std::u16string wide;
        auto range = i % 4 == 0 ? 128 : 95;
        for (auto size = random() % 40; size > 0; --size) {
            auto c = static_cast<char>(random() % range + (range == 95 ? 32 : 0));
            text.push_back(c);
            wide.push_back(static_cast<char16_t>(c));
        }
        std::uint8_t expected[512];
        auto size = ucol_getSortKey(root, wide.data(), static_cast<std::int32_t>(wide.size()), expected,
                                    sizeof expected);
        std::string key;
        append_string(key, text);
        ASSERT_EQ(key, std::string(reinterpret_cast<char *>(expected), static_cast<std::size_t>(size)))
            << text;
    }
    ucol_close(root);
}

TEST(SortKey, BytesKeepTheirOrderAndEndThemselves) {
    std::mt19937_64 random(4);
    std::vector<std::string> all;
    for (int i = 0; i < 2'000; ++i) {
        std::string bytes;
        for (auto size = random() % 5; size > 0; --size)
            bytes.push_back(static_cast<char>(random() % 4 == 0 ? 255 : random() % 3));
        all.push_back(bytes);
    }
    for (const auto &left : all) {
        std::string encoded;
        append_bytes(encoded, left);
        std::string_view in = encoded;
        std::string back;
        ASSERT_TRUE(take_bytes(in, back));
        EXPECT_EQ(back, left);
        EXPECT_TRUE(in.empty());
        const auto &right = all[random() % all.size()];
        std::string other;
        append_bytes(other, right);
        EXPECT_EQ(sign(encoded.compare(other)), sign(left.compare(right)));
    }
    std::string back;
    for (std::string_view broken : {"", "a", "\x01", "\x01\x03"}) {
        EXPECT_FALSE(take_bytes(broken, back));
    }
}

TEST(SortKey, NamesItsVersion) {
    EXPECT_NE(collator_version().find(collator_info().library_version), std::string::npos);
    EXPECT_FALSE(collator_info().collator_version.empty());
}

} // namespace
} // namespace divan::collation
