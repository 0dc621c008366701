#include "xml/date_time.h"

#include <gtest/gtest.h>

namespace divan::xml {
namespace {

using std::chrono::microseconds;

TEST(DateTime, IsReadInUtc) {
    EXPECT_EQ(parse_date_time("1970-01-01T00:00:00Z"), microseconds(0));
    EXPECT_EQ(parse_date_time("2026-11-24T13:00:00Z"), microseconds(1'795'525'200'000'000));
    EXPECT_EQ(parse_date_time("2026-11-24T13:00:00.5Z"), microseconds(1'795'525'200'500'000));
    EXPECT_EQ(parse_date_time("2026-11-24T13:00:00.123456789Z"), microseconds(1'795'525'200'123'456));
    EXPECT_EQ(parse_date_time("1969-12-31T23:59:59Z"), microseconds(-1'000'000));
    EXPECT_TRUE(parse_date_time("2024-02-29T00:00:00Z"));
    EXPECT_TRUE(parse_date_time("9999-12-31T23:59:59Z"));
}

TEST(DateTime, WhatIsNone) {
    for (const char *text : {"",
                             "Z",
                             "2026-11-24",
                             "2026-11-24T13:00:00",
                             "2026-11-24T13:00:00+00:00",
                             "2026-11-24T13:00Z",
                             "2026-11-24 13:00:00Z",
                             "2026-11-24T13:00:00.Z",
                             "2026-11-24T13:00:00,5Z",
                             "2026-11-24T13:00:00.5",
                             "2026-13-01T00:00:00Z",
                             "2025-02-29T00:00:00Z",
                             "2026-11-24T24:00:00Z",
                             "2026-11-24T23:60:00Z",
                             "2026-11-24T23:59:60Z",
                             "-026-11-24T13:00:00Z",
                             "12026-11-24T13:00:00Z",
                             "2026-11-24T13:00:00z",
                             " 2026-11-24T13:00:00Z",
                             "2026-11-24T13:00:00.000000000000000000000Z"})
        EXPECT_EQ(parse_date_time(text), std::nullopt) << text;
}

} // namespace
} // namespace divan::xml
