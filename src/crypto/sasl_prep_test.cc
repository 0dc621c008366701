#include "crypto/sasl_prep.h"

#include <gtest/gtest.h>

namespace divan::crypto {
namespace {

// RFC 4013, section 3.
TEST(SaslPrep, Examples) {
    EXPECT_EQ(sasl_prepare("I\u00adX"), "IX");
    EXPECT_EQ(sasl_prepare("user"), "user");
    EXPECT_EQ(sasl_prepare("USER"), "USER");
    EXPECT_EQ(sasl_prepare("\u00aa"), "a");
    EXPECT_EQ(sasl_prepare("\u2168"), "IX");
    EXPECT_EQ(sasl_prepare("\x07"), std::nullopt);
    EXPECT_EQ(sasl_prepare("\u0627\u0031"), std::nullopt);
}

TEST(SaslPrep, TextsOfAllKinds) {
    EXPECT_EQ(sasl_prepare(""), "");
    EXPECT_EQ(sasl_prepare("pass word!~"), "pass word!~");
    EXPECT_EQ(sasl_prepare("\u00a0"), " ");
    EXPECT_EQ(sasl_prepare("u\u0308"), "\u00fc");
    EXPECT_EQ(sasl_prepare("\U0001f512"), "\U0001f512"); // not assigned in Unicode 3.2
    EXPECT_EQ(sasl_prepare("\ufdfa")->size(), 33u);      // the longest expansion: 18 characters
    EXPECT_EQ(sasl_prepare("\xff"), std::nullopt);
    EXPECT_EQ(sasl_prepare("a\x7f"), std::nullopt);
    EXPECT_EQ(sasl_prepare("\ue000"), std::nullopt);
    EXPECT_TRUE(sasl_prepare(std::string(4096, 'a')));
    EXPECT_FALSE(sasl_prepare(std::string(4097, 'a')));
}

} // namespace
} // namespace divan::crypto
