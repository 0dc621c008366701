#include "cli/index_progress.h"

#include <gtest/gtest.h>

namespace divan::cli {
namespace {

using Seconds = IndexProgress::Seconds;

TEST(IndexProgress, RateAndTimeLeft) {
    IndexProgress progress;
    EXPECT_EQ(progress.text(), "");
    EXPECT_EQ(progress.bar(), "");
    progress.update(1'000, 9'000, Seconds(10));
    EXPECT_EQ(progress.text(), "11 %, 1,000 of 9,000 changes");
    progress.update(3'000, 9'000, Seconds(12));
    EXPECT_EQ(progress.text(), "33 %, 3,000 of 9,000 changes, 1,000/s, 7 s left");
    EXPECT_EQ(progress.bar(), "[#######-----------------] " + progress.text());
    progress.update(9'000, 9'000, Seconds(18));
    EXPECT_EQ(progress.text(), "100 %, 9,000 of 9,000 changes, 1,000/s");
}

TEST(IndexProgress, ABuildThatBeginsAnewIsMeasuredAnew) {
    IndexProgress progress;
    progress.update(5'000, 9'000, Seconds(1));
    progress.update(100, 9'000, Seconds(2));
    progress.update(1'100, 9'000, Seconds(3));
    EXPECT_EQ(progress.text(), "12 %, 1,100 of 9,000 changes, 1,000/s, 8 s left");
}

} // namespace
} // namespace divan::cli
