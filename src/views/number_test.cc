#include "views/number.h"

#include "json/value.h"
#include "json/writer.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

namespace divan::views {
namespace {

// Of up to 60 digits; short ones as often as long ones.
std::string any_integer(std::mt19937 &random) {
    auto digits = std::uniform_int_distribution<int>(1, 60)(random);
    std::string text(random() % 2 == 0 ? "-" : "");
    text.push_back(static_cast<char>('1' + random() % 9));
    while (--digits > 0)
        text.push_back(static_cast<char>('0' + random() % 10));
    return text;
}

std::string added(const std::string &a, const std::string &b) {
    auto sum = Number::parse(a).value();
    sum.add(Number::parse(b).value());
    return sum.text();
}

std::string multiplied(const std::string &a, const std::string &b) {
    auto product = Number::parse(a).value();
    product.multiply(Number::parse(b).value());
    return product.text();
}

TEST(Number, IntegersAreExact) {
    EXPECT_EQ(added("9223372036854775807", "1"), "9223372036854775808");
    EXPECT_EQ(added("-9223372036854775808", "-1"), "-9223372036854775809");
    EXPECT_EQ(added("123456789012345678901234567890", "9007199254740993"), "123456789012354686100489308883");
    EXPECT_EQ(added("1000000000000000000000000000000", "-1"), "999999999999999999999999999999");
    EXPECT_EQ(added("1", "-1000000000000000000000000000000"), "-999999999999999999999999999999");
    EXPECT_EQ(added("-123456789012345678901234567890", "123456789012345678901234567890"), "0");
    EXPECT_EQ(multiplied("10000000000", "10000000000"), "100000000000000000000");
    EXPECT_EQ(multiplied("-123456789012345678901234567890", "987654321098765432109876543210"),
              "-121932631137021795226185032733622923332237463801111263526900");
    EXPECT_EQ(multiplied("170141183460469231731687303715884105727", "0"), "0");
    // Beyond 128 bits.
    EXPECT_EQ(multiplied("9223372036854775807", "170141183460469231731687303715884105727"),
              "1569275433846670190788806172341447372284678185363269746689");
}

TEST(Number, BigIntegersFollowTheRulesOfArithmetic) {
    std::mt19937 random(3);
    auto integer = [&] { return Number::parse(any_integer(random)).value(); };
    for (int round = 0; round < 3'000; ++round) {
        auto a = integer();
        auto b = integer();
        auto c = integer();
        auto left = a; // (a + b) * c - b * c == a * c
        left.add(b);
        left.multiply(c);
        auto minus = b;
        minus.multiply(c);
        minus.multiply(Number(-1));
        left.add(minus);
        auto right = a;
        right.multiply(c);
        ASSERT_EQ(left.text(), right.text());
        auto difference = b;
        difference.multiply(Number(-1));
        difference.add(a);
        ASSERT_EQ(a.less(b), difference.text().starts_with('-')) << a.text() << " " << b.text();
        ASSERT_EQ(Number::parse(a.text()).value().text(), a.text());
    }
}

TEST(Number, DoublesAreWrittenAsCouchDbDoes) {
    auto text = [](const char *number) { return Number::parse(number).value().text(); };
    EXPECT_EQ(text("1.0"), "1.0");
    EXPECT_EQ(text("-0.0"), "0.0");
    EXPECT_EQ(text("0.1"), "0.1");
    EXPECT_EQ(text("-12.5e1"), "-125.0");
    EXPECT_EQ(text("0.000001"), "0.000001");
    EXPECT_EQ(text("1.5E-7"), "1.5e-7");
    EXPECT_EQ(text("1e20"), "100000000000000000000.0");
    EXPECT_EQ(text("1e21"), "1e+21");
    EXPECT_EQ(text("1.25e+300"), "1.25e+300");
    EXPECT_EQ(text("1e-400"), "0.0");
    EXPECT_EQ(added("0.5", "123456789012345678901234567890"), "1.2345678901234568e+29");
    std::mt19937_64 random(5);
    std::uniform_int_distribution<int> exponents(-1'000, 900);
    for (int round = 0; round < 2'000; ++round) {
        auto value = std::ldexp(static_cast<double>(static_cast<std::int64_t>(random())), exponents(random));
        auto written = Number::parse(json::to_text(json::Value(value))).value().text();
        ASSERT_EQ(json::Value(json::Number{written}).as_double().value(), value) << written;
    }
}

TEST(Number, TakesNothingElse) {
    for (const char *text : {"", "-", "x", "inf", "-nan", "1x", "\"1\"", " 1", "1 ", "[1]", "1.0.0", "1e400"})
        EXPECT_FALSE(Number::parse(text)) << text;
    EXPECT_FALSE(Number::parse(std::string(400, '9')));
}

} // namespace
} // namespace divan::views
