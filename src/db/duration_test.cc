#include "db/duration.h"

#include <gtest/gtest.h>

namespace divan::db {
namespace {

using std::chrono::hours;

TEST(Duration, TakesCouchDbsPeriods) {
    for (const char *good : {"1_hour", "5_hours", "90_days", "3_mon", "1_year", "30_min", "infinity"})
        EXPECT_TRUE(is_time_to_live(good)) << good;
    for (const char *bad : {"", "_", "5", "days", "0_days", "-1_days", "5_parsecs", "5_", "99999999999_days"})
        EXPECT_FALSE(is_time_to_live(bad)) << bad;
}

TEST(Duration, PartsOfAnHourAreAnHour) {
    EXPECT_EQ(parse_time_to_live(R"({"deleted_document_ttl":"1_min"})"), hours(1));
    EXPECT_EQ(parse_time_to_live(R"({"deleted_document_ttl":"3601_sec"})"), hours(2));
    EXPECT_EQ(parse_time_to_live(R"({"deleted_document_ttl":"2_days"})"), hours(48));
}

TEST(Duration, InfinityAndNothingAreNever) {
    for (const char *never : {"", "{}", R"({"deleted_document_ttl":"infinity"})"})
        EXPECT_EQ(parse_time_to_live(never), std::nullopt) << never;
}

} // namespace
} // namespace divan::db
