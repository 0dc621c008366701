#include "wire/header_values.h"

#include <gtest/gtest.h>

namespace divan::wire {
namespace {

TEST(HeaderValues, DispositionParameter) {
    constexpr std::string_view kForm = R"(form-data; filename="a; name=\"b\".txt"; name = "_doc" ; size=3)";
    EXPECT_EQ(disposition_parameter(kForm, "name"), "_doc");
    EXPECT_EQ(disposition_parameter(kForm, "FILENAME"), "a; name=\"b\".txt");
    EXPECT_EQ(disposition_parameter(kForm, "size"), "3");
    EXPECT_EQ(disposition_parameter("attachment; x; name=a b ; y", "name"), "a b");
    EXPECT_EQ(disposition_parameter("form-data; name=\"\"", "name"), "");
    for (std::string_view none : {"", "name=x", "form-data;", "form-data; names=x", "form-data; name"})
        EXPECT_FALSE(disposition_parameter(none, "name")) << none;
    EXPECT_EQ(disposition_parameter("form-data; name=\"cut", "name"), "cut");
}

} // namespace
} // namespace divan::wire
