#include "cli/password_hiding.h"

#include <gtest/gtest.h>
#include <string>
#include <vector>

namespace divan::cli {
namespace {

std::vector<std::string> hidden(std::vector<std::string> arguments) {
    std::vector<char *> pointers;
    for (auto &argument : arguments)
        pointers.push_back(argument.data());
    hide_passwords(static_cast<int>(pointers.size()), pointers.data());
    return arguments;
}

TEST(PasswordHiding, UrlsAnywhere) {
    EXPECT_EQ(
        hidden({"divan", "replicate", "http://a:secret@h:1/x", "https://b:s3@h/y", "--url=http://c:pw@h"}),
        (std::vector<std::string>{"divan", "replicate", "http://a:******@h:1/x", "https://b:**@h/y",
                                  "--url=http://c:**@h"}));
    EXPECT_EQ(
        hidden({"divan", "http://a:p@ss/w@h/x", "http://h:1/x", "http://a@h/x", "x"}),
        (std::vector<std::string>{"divan", "http://a:******@h/x", "http://h:1/x", "http://a@h/x", "x"}));
}

TEST(PasswordHiding, TheAdmin) {
    EXPECT_EQ(
        hidden({"divan", "serve", "--admin", "a:secret", "--admin=b:pw", "--name", "a:b"}),
        (std::vector<std::string>{"divan", "serve", "--admin", "a:******", "--admin=b:**", "--name", "a:b"}));
    EXPECT_EQ(hidden({"divan", "--admin"}), (std::vector<std::string>{"divan", "--admin"}));
}

TEST(PasswordHiding, Messages) {
    EXPECT_EQ(without_passwords("The following argument was not expected: http://a:secret@h/x"),
              "The following argument was not expected: http://a:******@h/x");
    EXPECT_EQ(without_passwords("Not: https://a:b@h http://c:d@h x"), "Not: https://a:*@h http://c:*@h x");
    EXPECT_EQ(without_passwords("DB is required"), "DB is required");
}

} // namespace
} // namespace divan::cli
