#include "cli/follow_schedule.h"

#include <gtest/gtest.h>

namespace divan::cli {
namespace {

using Seconds = FollowSchedule::Seconds;

DatabaseFacts facts(std::string sequence) {
    DatabaseFacts facts;
    facts.name = "a";
    facts.update_seq = std::move(sequence);
    return facts;
}

TEST(FollowSchedule, DatabasesWhoseSequenceMoved) {
    FollowSchedule schedule(Seconds(2));
    EXPECT_TRUE(schedule.is_due(facts("1"), Seconds(0)));
    EXPECT_FALSE(schedule.is_known("a"));
    schedule.ended(facts("1"), true, true, Seconds(0));
    EXPECT_TRUE(schedule.is_known("a"));
    EXPECT_FALSE(schedule.is_due(facts("1"), Seconds(9)));
    EXPECT_TRUE(schedule.is_due(facts("2"), Seconds(9)));
}

TEST(FollowSchedule, FailuresAreTriedAgainAfterLongerAndLongerPauses) {
    FollowSchedule schedule(Seconds(2), Seconds(5));
    schedule.ended(facts("1"), true, false, Seconds(0));
    EXPECT_FALSE(schedule.is_known("a")); // its settings may be missing
    EXPECT_EQ(schedule.failing(), 1U);
    EXPECT_FALSE(schedule.is_due(facts("2"), Seconds(1)));
    EXPECT_TRUE(schedule.is_due(facts("1"), Seconds(2)));
    schedule.ended(facts("1"), true, false, Seconds(2));
    EXPECT_FALSE(schedule.is_due(facts("1"), Seconds(5)));
    EXPECT_TRUE(schedule.is_due(facts("1"), Seconds(6)));
    schedule.ended(facts("1"), true, false, Seconds(6));
    EXPECT_TRUE(schedule.is_due(facts("1"), Seconds(11)));
    schedule.ended(facts("1"), true, true, Seconds(11));
    EXPECT_EQ(schedule.failing(), 0U);
    EXPECT_FALSE(schedule.is_due(facts("1"), Seconds(12)));
    // A failure of what is known leaves it known.
    schedule.ended(facts("2"), false, false, Seconds(12));
    EXPECT_TRUE(schedule.is_known("a"));
}

TEST(FollowSchedule, WhatIsGoneIsForgotten) {
    FollowSchedule schedule(Seconds(2));
    for (const char *name : {"a", "b", "c"}) {
        auto facts_of_it = facts("1");
        facts_of_it.name = name;
        schedule.ended(facts_of_it, true, std::string_view(name) != "b", Seconds(1));
    }
    EXPECT_EQ(schedule.failing(), 1U);
    EXPECT_EQ(schedule.keep_only({"a", "d"}), (std::vector<std::string>{"b", "c"}));
    EXPECT_EQ(schedule.failing(), 0U);
    EXPECT_TRUE(schedule.is_known("a"));
    EXPECT_FALSE(schedule.is_known("c"));
}

} // namespace
} // namespace divan::cli
