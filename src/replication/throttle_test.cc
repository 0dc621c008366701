#include "replication/throttle.h"

#include "base/manual_loop.h"

#include <gtest/gtest.h>

namespace divan::replication {
namespace {

TEST(Throttle, ABudgetLetsASecondsWorthPassAndThenItsRate) {
    ManualLoop loop;
    ByteBudget budget(loop, 1'000);
    EXPECT_EQ(budget.book(900), Millis(0));
    EXPECT_EQ(budget.book(600), Millis(500));
    EXPECT_EQ(budget.book(1'000), Millis(1'500));
    loop.advance(Millis(1'500));
    EXPECT_EQ(budget.book(100), Millis(100));
    // Rest is saved for a second at most.
    loop.advance(Millis(3'600'000));
    EXPECT_EQ(budget.book(1'000), Millis(0));
    EXPECT_EQ(budget.book(1), Millis(1));
}

TEST(Throttle, WithoutALimitNothingWaits) {
    ManualLoop loop;
    ByteBudget budget(loop, 0);
    EXPECT_EQ(budget.book(1ULL << 60), Millis(0));
}

TEST(Throttle, SharersOfABudgetGetTurns) {
    ManualLoop loop;
    ByteBudget budget(loop, 1'000);
    (void)budget.book(1'000);
    std::uint64_t moved[2] = {0, 0};
    auto move = [&](int who, std::uint64_t piece) -> Task<void> {
        Cancellation cancellation;
        for (auto until = loop.clock().monotonic() + std::chrono::seconds(60);
             loop.clock().monotonic() < until;) {
            moved[who] += piece;
            auto slept = co_await pause_for(loop, budget.book(piece), cancellation);
            EXPECT_TRUE(slept.ok());
        }
    };
    spawn(move(0, 100), [] {});
    spawn(move(1, 100), [] {});
    loop.run_until_idle();
    loop.advance(Millis(61'000));
    EXPECT_NEAR(static_cast<double>(moved[0]), 30'000, 1'000);
    EXPECT_NEAR(static_cast<double>(moved[1]), 30'000, 1'000);
}

TEST(Throttle, AHostThatRefusesIsAskedLessAndThenMoreAgain) {
    ManualLoop loop;
    HostPace pace(loop);
    EXPECT_EQ(pace.pause(), Millis(0));
    pace.refused(Millis(0));
    EXPECT_EQ(pace.pause(), Millis(100));
    // Four workers that are refused at once are one refusal.
    for (int i = 0; i < 3; ++i)
        pace.refused(Millis(0));
    EXPECT_EQ(pace.pause(), Millis(100));
    loop.advance(Millis(100));
    pace.refused(Millis(0));
    EXPECT_EQ(pace.pause(), Millis(150));
    for (int i = 0; i < 20; ++i)
        pace.answered();
    EXPECT_EQ(pace.pause(), Millis(0));
    for (int i = 0; i < 100; ++i) {
        loop.advance(Millis(60'000));
        pace.refused(Millis(0));
    }
    EXPECT_EQ(pace.pause(), Millis(25'000));
}

TEST(Throttle, AHostIsLeftAloneForAsLongAsItAsksAndNoLonger) {
    ManualLoop loop;
    HostPace pace(loop);
    pace.refused(Millis(5'000));
    EXPECT_EQ(pace.pause(), Millis(5'000));
    loop.advance(Millis(4'999));
    EXPECT_EQ(pace.pause(), Millis(100));
    pace.refused(Millis(1'000'000'000));
    EXPECT_EQ(pace.pause(), Millis(120'000));
}

TEST(Throttle, JobsToOneHostShareItsPace) {
    ManualLoop loop;
    Throttle throttle(loop, 0);
    auto one = throttle.pace("a:1");
    one->refused(Millis(0));
    EXPECT_EQ(throttle.pace("a:1"), one);
    EXPECT_EQ(throttle.pace("b:1")->pause(), Millis(0));
}

} // namespace
} // namespace divan::replication
