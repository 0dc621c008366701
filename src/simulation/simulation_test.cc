#include "simulation/simulation.h"

#include <cstdlib>
#include <gtest/gtest.h>
#include <iostream>

namespace divan::simulation {
namespace {

constexpr std::uint64_t kSeeds = 180;
constexpr std::uint64_t kSeedsLong = 3'000;
// So many schedules at most until a planted mistake is found.
constexpr std::uint64_t kSeedsOfBugsMax = 40;

std::optional<std::uint64_t> number_of(const char *variable) {
    const char *text = std::getenv(variable);
    return text == nullptr ? std::nullopt : std::optional(std::strtoull(text, nullptr, 10));
}

class SimulationTest : public testing::Test {
  protected:
    static void SetUpTestSuite() { functions_ = std::make_unique<NoFunctions>(); }
    static void TearDownTestSuite() { functions_.reset(); }

    static Outcome run(Plan plan) {
        if (const char *level = std::getenv("DIVAN_LOG"))
            plan.server.log_level = telemetry::parse_level(level);
        if (std::getenv("DIVAN_TRACE") != nullptr)
            plan.tell = [](const std::string &what) { std::cerr << what << "\n"; };
        return Simulation(*functions_, std::move(plan)).run();
    }
    static Outcome run(std::uint64_t seed, DiskBugs bugs = {}) { return run(draw_plan(seed, bugs)); }

    // The first seed with which a mistake is found, and what is said of it; nothing: none of some.
    static std::optional<std::uint64_t> find(DiskBugs bugs, std::string &problem) {
        for (std::uint64_t seed = 1; seed <= kSeedsOfBugsMax; ++seed)
            if (auto outcome = run(seed, bugs); !outcome.problems.empty()) {
                problem = outcome.problems.front();
                return seed;
            }
        return std::nullopt;
    }

    static inline std::unique_ptr<NoFunctions> functions_;
};

std::string told(std::uint64_t seed, const Outcome &outcome) {
    auto text = "Seed " + std::to_string(seed) + ". Once more: DIVAN_SEED=" + std::to_string(seed) +
                " simulation_test --gtest_filter='*RandomSchedules', with DIVAN_TRACE=1 to see what happens, "
                "or DIVAN_LOG=info.";
    for (const auto &problem : outcome.problems)
        text.append("\n  ").append(problem);
    return text;
}

TEST_F(SimulationTest, RandomSchedules) {
    auto only = number_of("DIVAN_SEED");
    auto all = std::getenv("DIVAN_LONG") == nullptr ? kSeeds : kSeedsLong;
    auto first = only.value_or(1);
    auto count = number_of("DIVAN_SEEDS").value_or(only ? 1 : all);
    for (auto seed = first; seed < first + count; ++seed) {
        auto outcome = run(seed);
        EXPECT_TRUE(outcome.problems.empty()) << told(seed, outcome);
    }
}

TEST_F(SimulationTest, OneSeedIsOneSchedule) {
    auto first = run(7);
    auto second = run(7);
    EXPECT_EQ(first.trace, second.trace);
    EXPECT_EQ(first.lasted, second.lasted);
    EXPECT_EQ(first.acknowledged, second.acknowledged);
    EXPECT_NE(first.trace, run(8).trace);
}

// What waits for changes must not hold the only connection.
TEST_F(SimulationTest, ContinuousReplicationsCopyOverOneConnection) {
    Plan plan;
    plan.nodes = {"node-0", "node-1"};
    for (std::size_t source : {0U, 1U}) {
        PlannedJob planned{.runner = 1 - source, .source = source, .target = 1 - source};
        auto &replication = planned.job.replication;
        replication = between(plan.nodes[planned.runner], plan.nodes[source], plan.nodes[planned.target]);
        replication.continuous = true;
        replication.tuning.http_connections = 1;
        plan.jobs.push_back(std::move(planned));
    }
    plan.workload.nodes = plan.nodes;
    plan.trouble_every_max = Millis(0);
    auto outcome = run(std::move(plan));
    EXPECT_TRUE(outcome.problems.empty()) << outcome.problems.front();
}

// Else a checker that sees nothing would be content.
TEST_F(SimulationTest, SchedulesAreWorthTheirTime) {
    Outcome sum;
    constexpr std::uint64_t kSome = 20;
    for (std::uint64_t seed = 1; seed <= kSome; ++seed) {
        auto outcome = run(seed);
        sum.acknowledged += outcome.acknowledged;
        sum.unknown += outcome.unknown;
        sum.refused += outcome.refused;
        sum.crashes += outcome.crashes;
    }
    EXPECT_GT(sum.acknowledged, kSome * 20);
    EXPECT_GT(sum.unknown, kSome);
    EXPECT_GT(sum.refused, kSome);
    EXPECT_GT(sum.crashes, kSome / 2);
}

TEST_F(SimulationTest, ALostSyncIsFound) {
    std::string problem;
    auto seed = find({.lost_syncs_percent = 50}, problem);
    ASSERT_TRUE(seed);
    EXPECT_NE(problem.find(" is lost, which "), std::string::npos) << problem;
    EXPECT_TRUE(run(*seed).problems.empty());
}

TEST_F(SimulationTest, ASkippedSequenceIsFound) {
    std::string problem;
    auto seed = find({.skipped_sequences_permille = 5}, problem);
    ASSERT_TRUE(seed);
    auto found = [&](const char *text) { return problem.find(text) != std::string::npos; };
    EXPECT_TRUE(found(" has missed sequence ") || found(" lies beyond ")) << problem;
    EXPECT_TRUE(run(*seed).problems.empty());
}

} // namespace
} // namespace divan::simulation
