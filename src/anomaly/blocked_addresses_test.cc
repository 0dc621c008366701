#include "anomaly/blocked_addresses.h"

#include <gtest/gtest.h>

namespace divan::anomaly {
namespace {

using std::chrono::seconds;

class BlockedAddressesTest : public testing::Test {
  protected:
    BlockedAddressesTest() { options.exempt = net::AddressList::parse("127.0.0.0/8, ::1").value(); }
    Result<void> block(std::string_view address) {
        return blocks.block(address, Kind::failed_logins, "e1", options);
    }

    ManualClock clock;
    BlockOptions options{.time = seconds(60), .exempt = {}, .addresses_max = 3};
    BlockedAddresses blocks{clock};
};

TEST_F(BlockedAddressesTest, EndsWhenItsTimeIsOver) {
    EXPECT_FALSE(blocks.until_next_end());
    ASSERT_TRUE(block("192.0.2.1").ok());
    clock.advance(seconds(20));
    ASSERT_TRUE(block("192.0.2.2").ok());
    EXPECT_EQ(blocks.remaining("192.0.2.1"), seconds(40));
    EXPECT_FALSE(blocks.remaining("192.0.2.3"));
    EXPECT_EQ(blocks.until_next_end(), seconds(40));
    ASSERT_EQ(blocks.list().size(), 2U);
    EXPECT_EQ(blocks.list()[0].remaining, seconds(40));
    EXPECT_TRUE(blocks.take_ended().empty());
    clock.advance(seconds(40));
    EXPECT_FALSE(blocks.remaining("192.0.2.1")) << "before anybody has taken it";
    EXPECT_EQ(blocks.list().size(), 1U);
    EXPECT_EQ(blocks.until_next_end(), seconds(0));
    auto ended = blocks.take_ended();
    ASSERT_EQ(ended.size(), 1U);
    EXPECT_EQ(ended[0].address, "192.0.2.1");
    EXPECT_EQ(ended[0].event, "e1");
    EXPECT_TRUE(blocks.take_ended().empty()) << "it ends once";
    EXPECT_TRUE(blocks.remaining("192.0.2.2"));
}

TEST_F(BlockedAddressesTest, CanBeRemovedOnce) {
    ASSERT_TRUE(block("192.0.2.1").ok());
    EXPECT_TRUE(blocks.remove("192.0.2.1"));
    EXPECT_FALSE(blocks.remaining("192.0.2.1"));
    EXPECT_FALSE(blocks.remove("192.0.2.1"));
    ASSERT_TRUE(block("192.0.2.1").ok());
    clock.advance(seconds(60));
    EXPECT_FALSE(blocks.remove("192.0.2.1")) << "it has ended by itself";
    EXPECT_EQ(blocks.take_ended().size(), 1U);
}

TEST_F(BlockedAddressesTest, AnAddressHasOneText) {
    ASSERT_TRUE(block("2001:DB8:0::1").ok());
    EXPECT_TRUE(blocks.remaining("2001:db8::1"));
    ASSERT_TRUE(block("::ffff:192.0.2.1").ok());
    EXPECT_TRUE(blocks.remaining("192.0.2.1"));
    EXPECT_TRUE(blocks.remove("2001:db8::0:1"));
}

TEST_F(BlockedAddressesTest, ExemptAddressesAreNeverBlocked) {
    EXPECT_FALSE(block("127.0.0.2").ok());
    EXPECT_FALSE(block("::1").ok());
    EXPECT_FALSE(block("nonsense").ok());
    EXPECT_TRUE(blocks.list().empty());
    options.exempt = {};
    EXPECT_TRUE(block("127.0.0.2").ok());
}

TEST_F(BlockedAddressesTest, AreBoundedAndCanBeProlonged) {
    for (auto address : {"192.0.2.1", "192.0.2.2", "192.0.2.3"})
        EXPECT_TRUE(block(address).ok());
    EXPECT_FALSE(block("192.0.2.4").ok());
    clock.advance(seconds(30));
    EXPECT_TRUE(block("192.0.2.1").ok());
    EXPECT_EQ(blocks.remaining("192.0.2.1"), seconds(60));
    EXPECT_EQ(blocks.take_all().size(), 3U);
    EXPECT_TRUE(blocks.list().empty());
}

} // namespace
} // namespace divan::anomaly
