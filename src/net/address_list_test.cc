#include "net/address_list.h"

#include <gtest/gtest.h>

namespace divan::net {
namespace {

bool admits(std::string_view list, std::string_view address) {
    auto parsed = AddressList::parse(list);
    EXPECT_TRUE(parsed.ok()) << list;
    auto read = IpAddress::parse(address);
    EXPECT_TRUE(read.has_value()) << address;
    return parsed.ok() && read && parsed->contains(*read);
}

std::string reason(std::string_view list) {
    auto parsed = AddressList::parse(list);
    return parsed.ok() ? "none" : parsed.error().reason();
}

TEST(AddressList, HoldsAddressesAndBlocks) {
    constexpr std::string_view kList = "192.0.2.7, 10.0.0.0/8 ,2001:db8::/32,,  ::1";
    for (const char *inside :
         {"192.0.2.7", "10.0.0.0", "10.255.255.255", "2001:db8::", "2001:db8:ffff::1", "::1"})
        EXPECT_TRUE(admits(kList, inside)) << inside;
    for (const char *outside :
         {"192.0.2.6", "192.0.2.8", "9.255.255.255", "11.0.0.0", "2001:db7::", "2001:db9::", "::2"})
        EXPECT_FALSE(admits(kList, outside)) << outside;
    EXPECT_TRUE(admits("0.0.0.0/0", "255.255.255.255"));
    EXPECT_TRUE(admits("10.1.2.4/30", "10.1.2.7"));
    EXPECT_FALSE(admits("10.1.2.4/30", "10.1.2.8"));
    EXPECT_FALSE(admits("", "10.0.0.1"));
    EXPECT_TRUE(AddressList::parse(" , ")->empty());
}

TEST(AddressList, MappedAddressesAreThoseOfIpv4) {
    EXPECT_TRUE(admits("10.0.0.0/8", "::ffff:10.1.2.3"));
    EXPECT_TRUE(admits("::ffff:10.0.0.0/104", "10.1.2.3"));
    EXPECT_TRUE(admits("::ffff:10.1.2.3", "10.1.2.3"));
    EXPECT_EQ(IpAddress::parse("::ffff:10.1.2.3"), IpAddress::parse("10.1.2.3"));
    EXPECT_EQ(IpAddress::parse("::ffff:0a01:0203")->text(), "10.1.2.3");
    // All of IPv6, and nothing of IPv4; and the other way round.
    EXPECT_FALSE(admits("::/0", "10.1.2.3"));
    EXPECT_FALSE(admits("::/0", "::ffff:10.1.2.3"));
    EXPECT_TRUE(admits("::/0", "fe80::1"));
    EXPECT_FALSE(admits("0.0.0.0/0", "::1"));
    // Not mapped, although it ends like it.
    EXPECT_FALSE(admits("10.0.0.0/8", "::10.1.2.3"));
}

TEST(AddressList, WhatIsNoListIsRefused) {
    for (const char *wrong :
         {"localhost", "10.0.0", "10.0.0.256", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/", "10.0.0.0/8/8",
          "/8", "10.0.0.0/ 8", "10.0.0.0/+8", "10.0.0.0/8x", "::1/129", "::g", "fe80::1%eth0", "010.0.0.1",
          "10.0.0.1;10.0.0.2", "[::1]", "10.0.0.1:80", "0x0a000001"})
        EXPECT_NE(reason(wrong).find("is no IP address and no block"), std::string::npos)
            << wrong << reason(wrong);
    EXPECT_NE(reason("10.0.0.1/8").find("`10.0.0.0/8`"), std::string::npos);
    EXPECT_NE(reason("2001:db8::1/32").find("`2001:db8::/32`"), std::string::npos);
    EXPECT_NE(reason("::ffff:10.0.0.1/104").find("`10.0.0.0/8`"), std::string::npos);
    EXPECT_FALSE(AddressList::parse(std::string_view("10.0.0.1\0", 9)).ok());
    EXPECT_LT(reason(std::string(100'000, 'x')).size(), 300U);
}

TEST(AddressList, HasALimit) {
    std::string list;
    for (std::size_t i = 0; i < AddressList::kEntriesMax; ++i)
        list += "10.0.0.1,";
    EXPECT_TRUE(AddressList::parse(list).ok());
    EXPECT_NE(reason(list + "10.0.0.1").find("at most 1000"), std::string::npos);
}

TEST(AddressList, ReadsBackTheSame) {
    EXPECT_EQ(AddressList::parse("192.0.2.7,::ffff:10.0.0.0/104, 2001:DB8:0::/32")->text(),
              "192.0.2.7/32, 10.0.0.0/8, 2001:db8::/32");
}

} // namespace
} // namespace divan::net
