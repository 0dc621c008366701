#include "access/ldap_settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <utility>

namespace divan::access {
namespace {

using testing::HasSubstr;
using Values = std::vector<std::pair<std::string, std::string>>;

Result<LdapSettings> read(const Values &values) {
    auto config = config::Config::load({}, "").value();
    for (const auto &[key, value] : values)
        EXPECT_TRUE(config->set("ldap", key, value, false).ok()) << key;
    return read_ldap_settings(*config);
}

const Values kGood{{"url", "ldaps://ldap.example.org"}, {"user_base", "ou=people,dc=example"}};

std::string reason(Values changes) {
    auto values = kGood;
    values.insert(values.end(), changes.begin(), changes.end());
    auto settings = read(values);
    return settings.ok() ? "" : settings.error().reason();
}

TEST(LdapSettings, Urls) {
    EXPECT_EQ(parse_ldap_url("ldap://a.example.org")->host, "a.example.org");
    EXPECT_EQ(parse_ldap_url("ldaps://[::1]:636/")->host, "::1");
    EXPECT_EQ(parse_ldap_url("ldaps://[::1]:636/")->url, "ldaps://[::1]:636");
    EXPECT_EQ(parse_ldap_url("ldap://10.0.0.1:389")->url, "ldap://10.0.0.1:389");
    for (const char *url : {"", "ldap", "http://a", "ldapi:///x", "ldap://", "ldap://:389", "ldap://a:",
                            "ldap://a:0", "ldap://a:65536", "ldap://a:1x", "ldap://a/dc=x", "ldap://a?x",
                            "ldap://[::1", "LDAP://a", "ldap://[::1]x", "ldap://a%20b", "ldap://a,b"})
        EXPECT_FALSE(parse_ldap_url(url).ok()) << url;
    auto error = parse_ldap_url("ldap://cn=x:hunter2@host");
    ASSERT_FALSE(error.ok());
    EXPECT_THAT(error.error().reason(), Not(HasSubstr("hunter2")));
}

TEST(LdapSettings, PasswordsGoEncryptedUnlessItIsSaidOtherwise) {
    auto servers = [](const std::string &url, const std::string &start_tls,
                      const std::string &plain = "false") {
        auto values = kGood;
        values[0].second = url;
        values.emplace_back("start_tls", start_tls);
        values.emplace_back("allow_plaintext", plain);
        return read(values);
    };
    EXPECT_TRUE(servers("ldap://a.example.org", "auto")->servers[0].start_tls);
    EXPECT_FALSE(servers("ldap://127.0.0.1", "auto")->servers[0].start_tls);
    EXPECT_TRUE(servers("ldap://127.0.0.1", "true")->servers[0].start_tls);
    EXPECT_FALSE(servers("ldaps://a.example.org", "true")->servers[0].start_tls);
    EXPECT_FALSE(servers("ldap://a.example.org", "false", "true")->servers[0].start_tls);
    auto refused = servers("ldap://127.0.0.1  ldap://a.example.org:389", "false");
    ASSERT_FALSE(refused.ok());
    EXPECT_THAT(refused.error().reason(), HasSubstr("ldap://a.example.org:389 unencrypted"));
}

TEST(LdapSettings, WhatCannotWorkIsRefusedWithWhatToDo) {
    EXPECT_EQ(reason({}), "");
    EXPECT_THAT(reason({{"url", ""}}), HasSubstr("[ldap] url is missing"));
    EXPECT_THAT(reason({{"user_base", ""}}), HasSubstr("user_dn_template"));
    EXPECT_THAT(reason({{"user_dn_template", "uid={name},dc=x"}}), HasSubstr("not both"));
    EXPECT_THAT(reason({{"user_base", ""}, {"user_dn_template", "uid=name,dc=x"}}), HasSubstr("{name}"));
    EXPECT_THAT(reason({{"user_base", ""}, {"user_dn_template", "{name}@example.org"}}),
                HasSubstr("distinguished"));
    EXPECT_THAT(reason({{"user_base", "people"}}), HasSubstr("user_base"));
    for (const char *filter :
         {"(uid=anna)", "uid={name}", "(uid={name}", "(uid={name})(cn=x)", "(uid={name}))"})
        EXPECT_THAT(reason({{"user_filter", filter}}), HasSubstr("user_filter")) << filter;
    EXPECT_EQ(reason({{"user_filter", "(&(uid={name})(objectClass=person))"}}), "");
    EXPECT_THAT(reason({{"name_attributes", ""}}), HasSubstr("name_attributes"));
    EXPECT_THAT(reason({{"bind_dn", "cn=divan,dc=x"}}), HasSubstr("bind_password"));
    EXPECT_THAT(reason({{"bind_dn", "divan"}, {"bind_password", "hunter2"}}),
                AllOf(HasSubstr("bind_dn"), Not(HasSubstr("hunter2"))));
    EXPECT_THAT(reason({{"cacert_file", "/nonexistent/ca.pem"}}), HasSubstr("/nonexistent/ca.pem"));
    EXPECT_THAT(reason({{"group_base", "ou=groups,dc=x"}, {"group_filter", "(cn=a)"}}),
                HasSubstr("group_filter"));
    EXPECT_THAT(reason({{"group_base", "ou=groups,dc=x"}, {"group_attribute", ""}}),
                HasSubstr("group_attribute"));
}

} // namespace
} // namespace divan::access
