#include "cli/security_command.h"

#include <gtest/gtest.h>

namespace divan::cli {
namespace {

using Arguments = std::vector<std::string>;

TEST(SecurityCommand, AModeIsACommand) {
    EXPECT_EQ(with_mode_as_command({"--config", "a.ini", "--mode", "security", "--output", "o"}),
              (Arguments{"security", "--config", "a.ini", "--output", "o"}));
    EXPECT_EQ(with_mode_as_command({"serve", "--memory"}), (Arguments{"serve", "--memory"}));
    EXPECT_EQ(with_mode_as_command({"--mode"}), Arguments{"--mode"});
}

} // namespace
} // namespace divan::cli
