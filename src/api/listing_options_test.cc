#include "api/listing.h"
#include "json/parser.h"

#include <gtest/gtest.h>

namespace divan::api {
namespace {

TEST(ListingOptions, WhichOfTwoValuesCounts) {
    auto query = net::Query::parse("limit=1&key=%22a%22").value();
    auto body = json::parse(R"({"limit":2,"keys":["a"]})").value();
    EXPECT_EQ(read_listing_options(query, &body.object(), Precedence::query)->limit, 1u);
    EXPECT_EQ(read_listing_options(query, &body.object(), Precedence::body)->limit, 2u);
    auto two = json::parse(R"({"keys":["a","a"]})").value();
    EXPECT_FALSE(read_listing_options(query, &two.object(), Precedence::body).ok());
    for (const char *bad : {R"({"limit":"1"})", R"({"limit":-1})", R"({"skip":1.5})", R"({"descending":1})",
                            R"({"keys":1})", R"({"stale":1})"}) {
        auto value = json::parse(bad).value();
        EXPECT_FALSE(read_listing_options({}, &value.object(), Precedence::body).ok()) << bad;
    }
}

} // namespace
} // namespace divan::api
