#include "replication/checkpoint.h"

#include "json/parser.h"
#include "json/writer.h"

#include <gtest/gtest.h>

namespace divan::replication {
namespace {

json::Object object(std::string_view text) {
    return json::parse(text)->object();
}

// A checkpoint with these sessions, newest first; session "c" recorded "\"3-c\"" and so on.
json::Object with_sessions(std::string_view sessions) {
    json::Array history;
    for (char session : sessions) {
        json::Object entry;
        entry.append("session_id", std::string(1, session));
        entry.append("recorded_seq", std::to_string(session - 'a' + 1) + "-" + session);
        history.emplace_back(std::move(entry));
    }
    json::Object checkpoint;
    checkpoint.append("session_id", std::string(1, sessions.front()));
    checkpoint.append("source_last_seq", std::to_string(sessions.front() - 'a' + 1) + "-" + sessions.front());
    checkpoint.append("history", std::move(history));
    return checkpoint;
}

struct Expected {
    const char *source;
    const char *target;
    const char *sequence;
    std::size_t history;
};

TEST(Checkpoint, TheNewestSessionThatBothKnowIsWhereItGoesOn) {
    const Expected cases[] = {
        {"cba", "cba", "\"3-c\"", 3}, {"dcba", "cba", "\"3-c\"", 2}, {"cba", "dcba", "\"3-c\"", 2},
        {"eba", "dba", "\"2-b\"", 1}, {"fa", "edba", "\"1-a\"", 0},  {"b", "a", "", 0},
        {"xb", "b", "\"2-b\"", 0},
    };
    for (const auto &[source, target, sequence, history] : cases) {
        auto at_source = with_sessions(source);
        auto at_target = with_sessions(target);
        auto common = common_point(&at_source, &at_target);
        EXPECT_EQ(common.sequence, sequence) << source << " " << target;
        EXPECT_EQ(common.history.size(), history) << source << " " << target;
    }
}

TEST(Checkpoint, AMissingOneMeansFromTheStart) {
    auto one = with_sessions("cba");
    EXPECT_EQ(common_point(&one, nullptr).sequence, "");
    EXPECT_EQ(common_point(nullptr, &one).sequence, "");
    EXPECT_EQ(common_point(nullptr, nullptr).sequence, "");
}

TEST(Checkpoint, WhatIsNoCheckpointIsPassedOver) {
    auto good = with_sessions("cba");
    for (const char *text : {"{}", R"({"history":7})", R"({"session_id":null,"history":[]})",
                             R"({"history":[7,null,{"session_id":7}]})", R"({"session_id":"c"})"}) {
        auto odd = object(text);
        EXPECT_NO_FATAL_FAILURE((void)common_point(&odd, &good)) << text;
        EXPECT_NO_FATAL_FAILURE((void)common_point(&good, &odd)) << text;
        (void)counted(common_point(&odd, &odd).history);
    }
}

TEST(Checkpoint, SequencesKeepTheirTypeAndText) {
    auto number = object(R"({"session_id":"a","source_last_seq":12.0,"history":[]})");
    EXPECT_EQ(common_point(&number, &number).sequence, "12.0");
    auto list = object(R"({"session_id":"a","source_last_seq":[12,"x"],"history":[]})");
    EXPECT_EQ(common_point(&list, &list).sequence, R"([12,"x"])");
}

TEST(Checkpoint, AHistoryHasFiftyEntriesNewestFirst) {
    json::Array history;
    for (int i = 0; i < 60; ++i) {
        CheckpointEntry entry;
        entry.session_id = std::to_string(i);
        entry.start_seq = "0";
        entry.recorded_seq = std::to_string(i);
        entry.statistics.docs_read = static_cast<std::uint64_t>(i);
        history = make_checkpoint(entry, history, false).find("history")->array();
    }
    ASSERT_EQ(history.size(), kHistoryEntriesMax);
    EXPECT_EQ(history.front().object().find("session_id")->string(), "59");
    EXPECT_EQ(history.back().object().find("session_id")->string(), "10");
    EXPECT_EQ(counted(history).docs_read, 59U);
}

} // namespace
} // namespace divan::replication
