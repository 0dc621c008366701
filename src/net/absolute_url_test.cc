#include "net/absolute_url.h"

#include <gtest/gtest.h>

namespace divan::net {
namespace {

TEST(AbsoluteUrl, IsTakenApart) {
    auto url = AbsoluteUrl::parse("HTTP://a%40b:p%3A%2F@w@LocalHost:5984/couch/Db//");
    ASSERT_TRUE(url.ok()) << url.error().reason();
    EXPECT_EQ(url->scheme, "http");
    EXPECT_EQ(url->user, "a@b");
    EXPECT_EQ(url->password, "p:/@w");
    EXPECT_EQ(url->host, "localhost");
    EXPECT_EQ(url->port, 5984);
    EXPECT_EQ(url->path, "/couch/Db");
    EXPECT_EQ(AbsoluteUrl::parse("http://[::1]")->host, "::1");
    EXPECT_EQ(AbsoluteUrl::parse("http://[::1]:81")->port, 81);
    EXPECT_EQ(AbsoluteUrl::parse("http://h")->port, 80);
    EXPECT_EQ(AbsoluteUrl::parse("http://h:")->port, 80);
    EXPECT_EQ(AbsoluteUrl::parse("https://h")->port, 443);
    EXPECT_EQ(AbsoluteUrl::parse("http://u@h")->password, "");
    EXPECT_EQ(AbsoluteUrl::parse("http://u:50%@h")->password, "50%");
    EXPECT_EQ(AbsoluteUrl::parse("http://h/a b/\xc3\xa4%2F")->path, "/a%20b/%C3%A4%2F");
}

TEST(AbsoluteUrl, WhatIsNoneIsRefusedWithoutItsText) {
    for (std::string text :
         {"", "h", "http:/h", "http://", "http://:1", "http://h:0", "http://h:x", "http://h:1x",
          "http://h:65536", "http://[::1", "http://[]", "http://[::1]x80", "http://h?q", "http://h/#f",
          "http://a b", "http://a\\b", "http://::1", "http://secret:word@"}) {
        auto url = AbsoluteUrl::parse(text);
        ASSERT_FALSE(url.ok()) << text;
        EXPECT_EQ(url.error().reason().find("word"), std::string::npos);
    }
    EXPECT_FALSE(AbsoluteUrl::parse("http://h/" + std::string(9'000, 'x')).ok());
}

TEST(AbsoluteUrl, AuthoritiesAndCredentials) {
    EXPECT_EQ(authority("h", 80), "h:80");
    EXPECT_EQ(authority("h", 80, 80), "h");
    EXPECT_EQ(authority("::1", 80, 80), "[::1]");
    EXPECT_EQ(authority("::1", 81, 80), "[::1]:81");
    EXPECT_EQ(basic_credentials("a", "b"), "Basic YTpi");
}

} // namespace
} // namespace divan::net
