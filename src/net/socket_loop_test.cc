#include "net/socket_loop.h"

#include <future>
#include <gtest/gtest.h>
#include <thread>

namespace divan::net {
namespace {

class SocketLoopTest : public testing::Test {
  protected:
    // Runs `work` on the loop and waits for it.
    void on_loop(std::function<void()> work) {
        std::promise<void> done;
        auto ended = done.get_future();
        loop_.post([&] {
            work();
            done.set_value();
        });
        ASSERT_EQ(ended.wait_for(std::chrono::seconds(20)), std::future_status::ready);
    }

    SystemClock clock_;
    SocketLoop loop_{clock_};
};

TEST_F(SocketLoopTest, RunsWhatIsPostedInOrderOnOneThread) {
    std::vector<int> seen;
    std::thread::id thread;
    on_loop([&] { thread = std::this_thread::get_id(); });
    for (int i = 0; i < 1'000; ++i)
        loop_.post([&seen, i] { seen.push_back(i); });
    on_loop([&] { EXPECT_EQ(std::this_thread::get_id(), thread); });
    ASSERT_EQ(seen.size(), 1'000u);
    EXPECT_TRUE(std::is_sorted(seen.begin(), seen.end()));
    EXPECT_NE(thread, std::this_thread::get_id());
}

TEST_F(SocketLoopTest, TimersRunWhenTheirTimeHasCome) {
    std::promise<std::string> all;
    std::string order;
    std::vector<std::unique_ptr<EventLoop::Timer>> timers;
    on_loop([&] {
        timers.push_back(loop_.after(Millis(30), [&] { all.set_value(order + "c"); }));
        timers.push_back(loop_.after(Millis(10), [&] { order += "b"; }));
        timers.push_back(loop_.after(Millis(0), [&] { order += "a"; }));
        timers.push_back(loop_.after(Millis(1), [&] { order += "withdrawn"; }));
        timers.pop_back();
    });
    EXPECT_EQ(all.get_future().get(), "abc");
    on_loop([&] { timers.clear(); });
}

TEST_F(SocketLoopTest, ATimerMayBeDestroyedInItsOwnWork) {
    std::promise<void> done;
    std::unique_ptr<EventLoop::Timer> timer;
    on_loop([&] {
        auto owned = std::make_shared<int>(7);
        timer = loop_.after(Millis(1), [&timer, &done, owned] {
            timer.reset();
            EXPECT_EQ(*owned, 7);
            done.set_value();
        });
    });
    done.get_future().get();
}

TEST_F(SocketLoopTest, StopDropsWhatIsQueued) {
    auto held = std::make_shared<int>(1);
    std::promise<void> begun;
    std::promise<void> go_on;
    std::unique_ptr<EventLoop::Timer> timer;
    loop_.post([&] {
        timer = loop_.after(Millis(60'000), [held] { FAIL(); });
        begun.set_value();
        EXPECT_EQ(go_on.get_future().wait_for(std::chrono::seconds(20)), std::future_status::ready);
    });
    EXPECT_EQ(begun.get_future().wait_for(std::chrono::seconds(20)), std::future_status::ready);
    for (int i = 0; i < 10; ++i)
        loop_.post([held] {});
    std::thread stopping([&] { loop_.stop(); });
    go_on.set_value();
    stopping.join();
    loop_.post([held] { FAIL(); });
    EXPECT_EQ(held.use_count(), 1);
    loop_.stop();
    timer.reset();
}

TEST_F(SocketLoopTest, AWaitEndsWhenItIsCancelled) {
    Cancellation cancellation;
    std::promise<WaitEnd> end;
    auto wait = [](SocketLoop &loop, Cancellation &given, std::promise<WaitEnd> &out) -> Task<void> {
        auto how = co_await wait_for(loop, std::shared_ptr<Event>(), Millis(60'000), given);
        out.set_value(how);
    };
    on_loop([&] { spawn(wait(loop_, cancellation, end), [] {}); });
    on_loop([&] { cancellation.cancel(); });
    EXPECT_EQ(end.get_future().get(), WaitEnd::cancelled);
}

} // namespace
} // namespace divan::net
