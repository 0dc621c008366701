#include "replication/testing_context.h"

namespace divan::replication {
namespace {

class SchedulerTest : public testing::Test {
  protected:
    SchedulerTest() { options_.startup_jitter_max = Millis(0); }
    ~SchedulerTest() override {
        if (scheduler_)
            stop();
    }

    void begin() { scheduler_.emplace(test_.context, options_, runner_.runner()); }
    void stop() {
        bool stopped = false;
        spawn(scheduler_->stop(), [&] { stopped = true; });
        test_.loop.run_until_idle();
        EXPECT_TRUE(stopped);
    }
    Replication replication(const std::string &document, bool continuous = true,
                            const std::string &database = "_replicator") {
        Replication replication;
        replication.source.database = "a";
        replication.target.database = "b";
        replication.continuous = continuous;
        replication.document_database = document.empty() ? "" : database;
        replication.document_id = document;
        return replication;
    }
    bool add(const std::string &id, bool continuous = true, const std::string &database = "_replicator") {
        auto ok = scheduler_->add({id, ""}, replication(id, continuous, database), log_end(id)).ok();
        test_.loop.run_until_idle();
        return ok;
    }
    Scheduler::Ended log_end(const std::string &id) {
        return [this, id](const JobEnd &end, const JobView &) {
            const auto *failure = std::get_if<Failure>(&end);
            ends_ += id + (failure == nullptr ? " completed;" : " " + failure->error.reason() + ";");
        };
    }
    void fail(const std::string &id) {
        runner_.fail(id);
        test_.loop.run_until_idle();
    }
    std::string running() {
        std::string text;
        for (const auto &id : runner_.ids())
            text += id + " ";
        return text;
    }
    std::string history(const std::string &id) {
        constexpr const char *kNames[] = {"added", "started", "stopped", "crashed"};
        std::string text;
        auto view = scheduler_->job(id).value();
        for (const auto &event : view.history)
            text += std::string(kNames[static_cast<int>(event.type)]) + " ";
        return text;
    }

    TestContext test_;
    FakeRunner runner_{test_.loop};
    SchedulerOptions options_;
    std::optional<Scheduler> scheduler_;
    std::string ends_;
};

TEST_F(SchedulerTest, JobsStartAtOnceAndEnd) {
    begin();
    EXPECT_TRUE(add("one", false));
    EXPECT_EQ(running(), "one ");
    EXPECT_FALSE(add("one", false));
    EXPECT_EQ(scheduler_->job("one")->state, JobState::running);
    EXPECT_TRUE(scheduler_->job("one")->pid.starts_with("<0."));
    EXPECT_EQ(history("one"), "started added ");
    runner_.end("one", SessionResult{});
    test_.loop.run_until_idle();
    EXPECT_EQ(ends_, "one completed;");
    EXPECT_FALSE(scheduler_->job("one").has_value());
    EXPECT_FALSE(scheduler_->remove("one"));
    EXPECT_EQ(test_.metrics.value(telemetry::Metric::replicator_jobs_duplicate_adds), 1);
}

TEST_F(SchedulerTest, FailuresWaitLongerEachTime) {
    begin();
    add("a+continuous");
    auto wait = Millis(30'000);
    for (int failure = 1; failure <= 12; ++failure) {
        fail("a+continuous");
        auto view = scheduler_->job("a continuous");
        ASSERT_TRUE(view.has_value());
        EXPECT_EQ(view->state, JobState::crashing);
        EXPECT_EQ(view->failures, static_cast<std::uint64_t>(failure));
        EXPECT_EQ(view->progress.cause, Cause::network);
        EXPECT_EQ(view->history[0].reason, "service unavailable: no answer");
        EXPECT_EQ(view->next_start - test_.loop.clock().now(), wait) << failure;
        EXPECT_EQ(scheduler_->counts().crashed, 1U);
        test_.loop.advance(wait - Millis(1));
        EXPECT_FALSE(runner_.runs("a+continuous"));
        test_.loop.advance(Millis(1));
        EXPECT_TRUE(runner_.runs("a+continuous"));
        wait = std::min(wait * 2, Millis(8 * 3'600'000));
    }
    EXPECT_LE(scheduler_->job("a+continuous")->history.size(), options_.history_events_max);
    EXPECT_EQ(ends_, "");
}

TEST_F(SchedulerTest, HealthyJobsAreForgiven) {
    begin();
    add("a");
    fail("a");
    test_.loop.advance(Millis(30'000));
    test_.loop.advance(options_.healthy_after + Millis(1));
    EXPECT_EQ(scheduler_->job("a")->failures, 0U);
    fail("a");
    EXPECT_EQ(scheduler_->job("a")->failures, 1U);
}

TEST_F(SchedulerTest, FailuresHaveAnEndIfThatIsSet) {
    options_.failures_max = 2;
    begin();
    add("a");
    fail("a");
    test_.loop.advance(Millis(30'000));
    fail("a");
    EXPECT_EQ(ends_, "a no answer;");
    EXPECT_FALSE(scheduler_->job("a").has_value());
}

TEST_F(SchedulerTest, JobsOfNoDocumentEndWithTheirFirstFailure) {
    begin();
    ASSERT_TRUE(scheduler_->add({"t", ""}, replication("", false), log_end("t")).ok());
    EXPECT_TRUE(scheduler_->on_end("t", log_end("second")));
    EXPECT_FALSE(scheduler_->on_end("u", log_end("third")));
    test_.loop.run_until_idle();
    fail("t");
    EXPECT_EQ(ends_, "t no answer;second no answer;");
}

TEST_F(SchedulerTest, WhatIsFurthestBehindIsTold) {
    begin();
    for (const char *id : {"a", "b", "c"})
        add(id);
    EXPECT_EQ(scheduler_->counts().behind, std::chrono::seconds(0)); // nothing is known
    auto &a = runner_.progress("a");
    auto &b = runner_.progress("b");
    a.changes_pending = 0;
    b.changes_pending = 5;
    b.caught_up_at = test_.loop.clock().now();
    runner_.progress("c").changes_pending = 7;
    test_.loop.advance(Millis(9'000));
    EXPECT_EQ(scheduler_->counts().changes_pending, 12U);
    EXPECT_EQ(scheduler_->counts().behind, std::chrono::seconds(9));
    a.changes_in_flight = 1;
    a.caught_up_at = b.caught_up_at - std::chrono::seconds(3);
    EXPECT_EQ(scheduler_->counts().behind, std::chrono::seconds(12));
}

TEST_F(SchedulerTest, WaitingJobsGetTurns) {
    options_.max_jobs = 4;
    options_.max_churn = 2;
    begin();
    for (const char *id : {"a", "b", "c", "d", "e", "f"}) {
        add(id);
        test_.loop.advance(Millis(10));
    }
    EXPECT_EQ(running(), "a b c d ");
    EXPECT_EQ(scheduler_->counts().pending, 2U);
    EXPECT_EQ(scheduler_->counts().running, 4U);
    EXPECT_EQ(scheduler_->counts().total, 6U);
    test_.loop.advance(options_.interval);
    EXPECT_EQ(running(), "c d e f ");
    EXPECT_EQ(history("a"), "stopped started added ");
    EXPECT_EQ(scheduler_->job("a")->state, JobState::pending);
    test_.loop.advance(options_.interval);
    EXPECT_EQ(running(), "a b e f ");
    EXPECT_EQ(runner_.running_most, 4U);
    scheduler_->remove("a");
    test_.loop.advance(Millis(1));
    EXPECT_EQ(running(), "b c e f ");
    EXPECT_EQ(ends_, "a The operation was cancelled.;");
}

TEST_F(SchedulerTest, OneShotJobsKeepTheirPlace) {
    options_.max_jobs = 2;
    begin();
    add("a", false);
    add("b", true);
    add("c", true);
    for (int i = 0; i < 3; ++i) {
        test_.loop.advance(options_.interval);
        EXPECT_TRUE(runner_.runs("a"));
    }
    options_.max_jobs = 1;
    scheduler_->set_options(options_);
    test_.loop.run_until_idle();
    EXPECT_EQ(running(), "a ");
    options_.max_jobs = 0;
    scheduler_->set_options(options_);
    test_.loop.run_until_idle();
    EXPECT_EQ(running(), "");
    options_.max_jobs = 3;
    scheduler_->set_options(options_);
    test_.loop.run_until_idle();
    EXPECT_EQ(running(), "a b c ");
}

TEST_F(SchedulerTest, SharesDecideHowMuchADatabaseRuns) {
    options_.max_jobs = 12;
    options_.max_churn = 12;
    options_.shares = {{"rich/_replicator", 200}};
    begin();
    for (int i = 0; i < 100; ++i)
        add("poor" + std::to_string(i), true, "poor/_replicator");
    for (int i = 0; i < 30; ++i)
        add("rich" + std::to_string(i), true, "rich/_replicator");
    std::size_t rich = 0;
    constexpr int kRounds = 60;
    for (int round = 0; round < kRounds; ++round) {
        test_.loop.advance(options_.interval);
        for (const auto &id : runner_.ids())
            rich += id.starts_with("rich");
    }
    // Two of three slots, whatever the number of jobs.
    EXPECT_NEAR(static_cast<double>(rich) / kRounds, 8.0, 1.0);
    for (int i = 0; i < 100; ++i)
        EXPECT_GT(runner_.starts_of["poor" + std::to_string(i)], 0U) << i;
}

TEST_F(SchedulerTest, AnIdOfASessionThatEndsWaits) {
    begin();
    add("a");
    runner_.ends_when_cancelled = false;
    scheduler_->remove("a");
    EXPECT_TRUE(add("a"));
    EXPECT_EQ(runner_.starts, 1U);
    EXPECT_EQ(scheduler_->job("a")->state, JobState::pending);
    runner_.fail("a");
    test_.loop.run_until_idle();
    EXPECT_EQ(runner_.starts, 2U);
    EXPECT_TRUE(runner_.runs("a"));
    runner_.ends_when_cancelled = true;
}

TEST_F(SchedulerTest, StartsSpreadWhenManyRun) {
    options_.startup_jitter_max = Millis(1'000);
    begin();
    for (int i = 0; i < 400; ++i)
        ASSERT_TRUE(scheduler_->add({std::to_string(i), ""}, replication(std::to_string(i)), {}).ok());
    test_.loop.run_until_idle();
    auto at_once = runner_.running();
    EXPECT_LT(at_once, 20U);
    EXPECT_GT(at_once, 0U);
    test_.loop.advance(Millis(500));
    EXPECT_GT(runner_.running(), 100U);
    EXPECT_LT(runner_.running(), 300U);
    test_.loop.advance(Millis(500));
    EXPECT_EQ(runner_.running(), 400U);
}

TEST_F(SchedulerTest, ThousandsOfIdleJobsArmNothing) {
    options_.max_jobs = 5'000;
    begin();
    for (int i = 0; i < 5'000; ++i)
        ASSERT_TRUE(scheduler_->add({std::to_string(i), ""}, replication(std::to_string(i)), {}).ok());
    test_.loop.run_until_idle();
    EXPECT_EQ(runner_.running(), 5'000U);
    EXPECT_EQ(test_.loop.timer_count(), 0U);
    EXPECT_EQ(scheduler_->jobs().size(), 5'000U);
    // And with few places everybody gets a turn.
    options_.max_jobs = 500;
    options_.max_churn = 500;
    scheduler_->set_options(options_);
    test_.loop.run_until_idle();
    EXPECT_EQ(runner_.running(), 500U);
    for (int i = 0; i < 10; ++i)
        test_.loop.advance(options_.interval);
    EXPECT_LE(test_.loop.timer_count(), 1U);
    for (const auto &[id, starts] : runner_.starts_of)
        EXPECT_GE(starts, 2U) << id;
}

TEST_F(SchedulerTest, StopWaitsForTheSessions) {
    begin();
    add("a");
    add("b");
    fail("b");
    runner_.ends_when_cancelled = false;
    bool stopped = false;
    spawn(scheduler_->stop(), [&] { stopped = true; });
    test_.loop.run_until_idle();
    EXPECT_FALSE(stopped);
    EXPECT_EQ(scheduler_->add({"c", ""}, replication("c"), {}).error().code(),
              ErrorCode::service_unavailable);
    runner_.fail("a");
    test_.loop.run_until_idle();
    EXPECT_TRUE(stopped);
    EXPECT_EQ(test_.loop.timer_count(), 0U);
    EXPECT_EQ(ends_, "a The operation was cancelled.;b The operation was cancelled.;");
    scheduler_.reset();
}

} // namespace
} // namespace divan::replication
