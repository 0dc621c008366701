#include "access/scram_http.h"

#include <gtest/gtest.h>

namespace divan::access {
namespace {

// RFC 7804, section 5, with its data for SHA-256.
TEST(ScramHttp, CredentialsOfTheRfc) {
    auto first = parse_scram_credentials(
        R"(SCRAM-SHA-256 realm="testrealm@example.com",data=biwsbj11c2VyLHI9ck9wck5HZndFYmVSV2diTkVrcU8=)");
    ASSERT_TRUE(first && first->ok());
    EXPECT_EQ((*first)->realm, "testrealm@example.com");
    EXPECT_EQ((*first)->session_id, "");
    EXPECT_EQ((*first)->message, "n,,n=user,r=rOprNGfwEbeRWgbNEkqO");
    auto last =
        parse_scram_credentials("scram-sha-256  SID=AAAABBBBCCCCDDDD , data=Yz1iaXdz, more=\"a,\\\"b\"");
    ASSERT_TRUE(last && last->ok());
    EXPECT_EQ((*last)->session_id, "AAAABBBBCCCCDDDD");
    EXPECT_EQ((*last)->message, "c=biws");
    EXPECT_EQ(scram_challenge("AAAABBBBCCCCDDDD", "c=biws"),
              "SCRAM-SHA-256 sid=AAAABBBBCCCCDDDD,data=Yz1iaXdz");
    EXPECT_EQ(scram_offer("a \"b\" \\"), R"(SCRAM-SHA-256 realm="a \"b\" \\")");
}

TEST(ScramHttp, MalformedCredentialsAreRefused) {
    for (const char *other :
         {"", "Basic YTpi", "SCRAM-SHA-1 data=Yz1iaXdz", "SCRAM-SHA-256-PLUS data=Yz1iaXdz"})
        EXPECT_FALSE(parse_scram_credentials(other)) << other;
    for (const char *text :
         {"", "data", "data=", "data=%", "=Yz1iaXdz", "data=Yz1iaXdz,", "data=Yz1iaXdz sid=1",
          "data=Yz1iaXdz,data=Yz1iaXdz", "sid=1", "sid=1,sid=1,data=Yz1iaXdz", "realm=\"a", "realm=\"a\\",
          "realm=\"a\"b,data=Yz1iaXdz", ",data=Yz1iaXdz", "da ta=Yz1iaXdz", "realm=a\"b\",data=Yz1iaXdz"}) {
        auto credentials = parse_scram_credentials(std::string("SCRAM-SHA-256 ") + text);
        ASSERT_TRUE(credentials) << text;
        EXPECT_FALSE(credentials->ok()) << text;
    }
    auto huge = parse_scram_credentials("SCRAM-SHA-256 data=" + std::string(8192, 'A'));
    EXPECT_FALSE(huge->ok());
}

} // namespace
} // namespace divan::access
