#include "cli/refusals.h"

#include <gtest/gtest.h>

namespace divan::cli {
namespace {

replication::Replication from(std::string database) {
    replication::Replication replication;
    replication.source.database = std::move(database);
    return replication;
}

replication::Refusal refusal(std::string id) {
    return {std::move(id), "1-x", Error(ErrorCode::forbidden, "no rights")};
}

TEST(Refusals, ThoseThatAreNotKeptAreCounted) {
    Refusals refusals(2);
    for (const char *id : {"a", "b", "c", "d"})
        refusals.note(from("db"), refusal(id));
    auto news = refusals.take();
    ASSERT_EQ(news.refused.size(), 2U);
    EXPECT_EQ(news.refused[1].refusal.id, "b");
    EXPECT_EQ(news.dropped, 2U);
    // Room again, and nothing is told twice.
    refusals.note(from("db"), refusal("e"));
    news = refusals.take();
    EXPECT_EQ(news.refused.size(), 1U);
    EXPECT_EQ(news.dropped, 0U);
}

std::string told(bool json, std::size_t count) {
    Refusals refusals(1);
    for (std::size_t i = 0; i < count; ++i)
        refusals.note(from("db"), refusal("a"));
    CommandOutput output(json, false);
    testing::internal::CaptureStdout();
    testing::internal::CaptureStderr();
    tell_refusals(refusals, "the target", output);
    auto errors = testing::internal::GetCapturedStderr();
    return testing::internal::GetCapturedStdout() + errors;
}

TEST(Refusals, AreToldToPeopleAndMachines) {
    EXPECT_EQ(told(false, 0), "");
    EXPECT_EQ(told(false, 1), "divan: the target refuses document `a` (1-x) of db: forbidden, no rights\n");
    EXPECT_EQ(told(false, 4), "divan: the target refuses document `a` (1-x) of db: forbidden, no rights\n"
                              "divan: the target refuses 3 more documents, too many at once to be listed\n");
    EXPECT_EQ(
        told(true, 4),
        R"({"event":"refused","source":"db","id":"a","rev":"1-x","error":"forbidden","reason":"no rights"})"
        "\n"
        R"({"event":"refused","dropped":3})"
        "\n");
}

} // namespace
} // namespace divan::cli
