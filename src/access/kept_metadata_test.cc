#include "access/kept_metadata.h"

#include "base/manual_loop.h"

#include <gtest/gtest.h>

namespace divan::access {
namespace {

constexpr std::chrono::seconds kRefresh(3'600);
constexpr std::chrono::seconds kPause(2);
constexpr std::chrono::seconds kDay(86'400);

class KeptMetadataTest : public testing::Test {
  public:
    // What a reading gives next; absent: it fails.
    std::optional<int> next_ = 1;
    int readings_ = 0;

    Task<Result<int>> read() {
        ++readings_;
        if (!next_)
            co_return Error(ErrorCode::service_unavailable, "unreachable");
        co_return *next_;
    }
    Task<void> ask(std::string source, int &answer) {
        auto reading = read();
        auto kept = co_await kept_.get(std::move(source), kRefresh, std::move(reading));
        answer = kept.ok() ? **kept : -1;
    }
    // -1: an error.
    int get(std::string source = "a") {
        int answer = 0;
        spawn(ask(std::move(source), answer), [] {});
        return answer;
    }

    ManualLoop loop_;
    telemetry::Logger log_{loop_.clock(), "divan@127.0.0.1", "", telemetry::Level::none};
    KeptMetadata<int> kept_{loop_, log_};
};

TEST_F(KeptMetadataTest, IsReadOnceUntilItIsDue) {
    EXPECT_EQ(get(), 1);
    next_ = 2;
    loop_.advance(kRefresh - std::chrono::seconds(1));
    EXPECT_EQ(get(), 1);
    loop_.advance(std::chrono::seconds(1));
    EXPECT_EQ(get(), 2);
    EXPECT_EQ(readings_, 2);
}

TEST_F(KeptMetadataTest, WhatWasReadStaysInUseForADay) {
    EXPECT_EQ(get(), 1);
    next_.reset();
    loop_.advance(kDay - std::chrono::seconds(1));
    EXPECT_EQ(get(), 1);
    EXPECT_EQ(readings_, 2);
    loop_.advance(kPause);
    EXPECT_EQ(get(), -1);
    next_ = 3;
    loop_.advance(kPause);
    EXPECT_EQ(get(), 3);
}

TEST_F(KeptMetadataTest, AFailureIsNotTriedAgainAtOnce) {
    next_.reset();
    EXPECT_EQ(get(), -1);
    next_ = 1;
    EXPECT_EQ(get(), -1);
    EXPECT_EQ(readings_, 1);
    EXPECT_EQ(get("b"), 1); // of another source
    loop_.advance(kPause);
    EXPECT_EQ(get(), 1);
}

TEST_F(KeptMetadataTest, AnotherSourceIsReadAnew) {
    EXPECT_EQ(get(), 1);
    next_ = 2;
    EXPECT_EQ(get("b"), 2);
    EXPECT_EQ(kept_.current("a"), nullptr);
    EXPECT_EQ(*kept_.current("b"), 2);
}

} // namespace
} // namespace divan::access
