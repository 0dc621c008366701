#include "base/manual_loop.h"

#include <gtest/gtest.h>
#include <string>

namespace divan {
namespace {

TEST(ManualLoop, TimePassesOnlyWhenTold) {
    ManualLoop loop;
    std::string log;
    auto late = loop.after(Millis(20), [&] { log += "late "; });
    auto soon = loop.after(Millis(10), [&] {
        log += "soon ";
        loop.post([&] { log += "posted "; });
    });
    auto withdrawn = loop.after(Millis(15), [&] { log += "never "; });
    EXPECT_TRUE(loop.run_until_idle());
    EXPECT_EQ(log, "");
    EXPECT_EQ(loop.timer_count(), 3U);
    withdrawn.reset();
    loop.advance(Millis(19));
    EXPECT_EQ(log, "soon posted ");
    loop.advance(Millis(1));
    EXPECT_EQ(log, "soon posted late ");
    EXPECT_EQ(loop.timer_count(), 0U);
}

TEST(ManualLoop, EqualTimesRunInTheirOrder) {
    ManualLoop loop;
    std::string log;
    auto a = loop.after(Millis(5), [&] { log += "a"; });
    auto b = loop.after(Millis(5), [&] { log += "b"; });
    loop.advance(Millis(5));
    EXPECT_EQ(log, "ab");
}

Task<void> sleeper(ManualLoop &loop, Cancellation &cancellation, std::string &log) {
    auto slept = co_await pause_for(loop, Millis(100), cancellation);
    log += slept.ok() ? "slept" : "cancelled";
}

TEST(ManualLoop, CoroutinesSleepAndAreCancelled) {
    ManualLoop loop;
    Cancellation cancellation;
    std::string log;
    spawn(sleeper(loop, cancellation, log), [] {});
    loop.advance(Millis(50));
    EXPECT_EQ(log, "");
    cancellation.cancel();
    loop.run_until_idle();
    EXPECT_EQ(log, "cancelled");
    EXPECT_EQ(loop.timer_count(), 0U);
}

} // namespace
} // namespace divan
