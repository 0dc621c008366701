#include "net/spooled_text.h"

#include <filesystem>
#include <gtest/gtest.h>

namespace divan::net {
namespace {

TEST(SpooledText, StaysInMemoryUpToItsLimit) {
    SpooledText text(testing::TempDir(), 10);
    ASSERT_TRUE(text.append("0123456789").ok());
    EXPECT_FALSE(text.on_disk());
    EXPECT_TRUE(text.would_block(1));
    EXPECT_EQ(*text.view(), "0123456789");
    EXPECT_EQ(text.take(), "0123456789");
}

TEST(SpooledText, GoesToAFileWithoutAName) {
    auto directory = std::filesystem::path(testing::TempDir()) / "spooled_text_test";
    std::filesystem::create_directory(directory);
    std::string expected;
    SpooledText text(directory, 10);
    for (int i = 0; i < 3'000; ++i) {
        auto part = std::to_string(i) + ",";
        expected += part;
        ASSERT_TRUE(text.append(part).ok());
    }
    EXPECT_TRUE(text.on_disk());
    EXPECT_TRUE(std::filesystem::is_empty(directory));
    EXPECT_EQ(*text.view(), expected);
    std::filesystem::remove(directory);
}

TEST(SpooledText, WithoutADirectoryStaysInMemory) {
    SpooledText text("", 1);
    ASSERT_TRUE(text.append("abc").ok());
    EXPECT_FALSE(text.would_block(100));
    EXPECT_EQ(*text.view(), "abc");
}

TEST(SpooledText, SaysWhenItCannotBeKept) {
    SpooledText text("/nowhere/at/all", 1);
    auto appended = text.append("abc");
    ASSERT_FALSE(appended.ok());
    EXPECT_EQ(appended.error().code(), ErrorCode::storage_failed);
}

} // namespace
} // namespace divan::net
