#include "cli/progress_text.h"

#include <gtest/gtest.h>

namespace divan::cli {
namespace {

TEST(ProgressText, NumbersAndTimes) {
    EXPECT_EQ(grouped(0), "0");
    EXPECT_EQ(grouped(999), "999");
    EXPECT_EQ(grouped(1'000), "1,000");
    EXPECT_EQ(grouped(1'234'567), "1,234,567");
    EXPECT_EQ(duration_text(std::chrono::seconds(59)), "59 s");
    EXPECT_EQ(duration_text(std::chrono::seconds(125)), "2 min 5 s");
    EXPECT_EQ(duration_text(std::chrono::seconds(7'830)), "2 h 10 min");
}

TEST(ProgressText, Bytes) {
    EXPECT_EQ(bytes_text(0), "0 B");
    EXPECT_EQ(bytes_text(999), "999 B");
    EXPECT_EQ(bytes_text(3'140), "3.1 kB");
    EXPECT_EQ(bytes_text(999'999), "1.0 MB");
    EXPECT_EQ(bytes_text(1'200'000'000), "1.2 GB");
}

TEST(ProgressText, Bars) {
    EXPECT_EQ(bar_text(0), "[" + std::string(24, '-') + "]");
    EXPECT_EQ(bar_text(50), "[" + std::string(12, '#') + std::string(12, '-') + "]");
    EXPECT_EQ(bar_text(100), bar_text(101));
}

} // namespace
} // namespace divan::cli
