#include "selector/limits.h"

#include <gtest/gtest.h>

namespace divan::selector {
namespace {

TEST(Limits, AreThoseOfTheSettings) {
    auto config = config::Config::load({}, "").value();
    auto given = limits(*config);
    Limits defaults;
    EXPECT_EQ(given.depth_max, defaults.depth_max);
    EXPECT_EQ(given.conditions_max, defaults.conditions_max);
    EXPECT_EQ(given.path_bytes_max, defaults.path_bytes_max);
    EXPECT_EQ(given.regex_bytes_max, defaults.regex_bytes_max);
    EXPECT_EQ(given.regex_program_bytes_max, defaults.regex_program_bytes_max);
    EXPECT_EQ(given.regex_match_max, defaults.regex_match_max);
    EXPECT_EQ(given.regex_cpu_ms_max, defaults.regex_cpu_ms_max);
    std::size_t number = 10;
    for (const char *key : {"selector_depth_max", "selector_conditions_max", "selector_path_bytes_max",
                            "selector_regex_bytes_max", "selector_regex_program_bytes_max",
                            "selector_regex_match_max", "selector_regex_cpu_ms_max"})
        ASSERT_TRUE(config->set("divan", key, std::to_string(++number), false).ok()) << key;
    given = limits(*config);
    EXPECT_EQ(given.depth_max, 11u);
    EXPECT_EQ(given.conditions_max, 12u);
    EXPECT_EQ(given.path_bytes_max, 13u);
    EXPECT_EQ(given.regex_bytes_max, 14u);
    EXPECT_EQ(given.regex_program_bytes_max, 15u);
    EXPECT_EQ(given.regex_match_max, 16u);
    EXPECT_EQ(given.regex_cpu_ms_max, 17u);
    auto stored = stored_limits(*config);
    EXPECT_GE(stored.depth_max, 1'000u);
    EXPECT_GE(stored.conditions_max, 1'000'000u);
    EXPECT_EQ(stored.regex_match_max, 16u);
    EXPECT_EQ(stored.regex_cpu_ms_max, 17u);
}

} // namespace
} // namespace divan::selector
