#include "crypto/secret.h"

#include <concepts>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <ostream>
#include <utility>

namespace divan::crypto {
namespace {

template <typename T>
concept Streamable = requires(std::ostream &out, const T &value) { out << value; };

static_assert(!fmt::is_formattable<Secret>::value && !Streamable<Secret>);
static_assert(!std::convertible_to<Secret, std::string_view> && !std::convertible_to<std::string, Secret>);
static_assert(!std::copyable<Secret> && std::movable<Secret>);

TEST(Secret, MovesLeaveNothingBehind) {
    Secret first{std::string_view("a secret")};
    const auto *bytes = first.reveal().data();
    Secret second = std::move(first);
    EXPECT_EQ(second.reveal().data(), bytes);
    EXPECT_TRUE(first.empty()); // NOLINT(bugprone-use-after-move)
    second = Secret(std::string_view("another"));
    EXPECT_EQ(second.reveal(), "another");
    auto copy = second.copy();
    EXPECT_EQ(copy.reveal(), "another");
    EXPECT_NE(copy.reveal().data(), second.reveal().data());
    auto &self = second;
    second = std::move(self);
    EXPECT_EQ(second.reveal(), "another");
}

TEST(Secret, TakesAndZeroesAString) {
    std::string text = "a secret that is longer than what a string holds inside";
    const auto *before = text.data();
    auto secret = Secret::take(text);
    EXPECT_EQ(secret.size(), 55u);
    EXPECT_TRUE(text.empty());
    EXPECT_EQ(before[1], '\0'); // the buffer is still the string's
    EXPECT_EQ(before[54], '\0');
}

TEST(Secret, Equals) {
    Secret secret{std::string_view("abc")};
    EXPECT_TRUE(secret.equals("abc"));
    for (const char *other : {"", "ab", "abd", "abcd"})
        EXPECT_FALSE(secret.equals(other)) << other;
    EXPECT_TRUE(Secret().equals(""));
}

} // namespace
} // namespace divan::crypto
