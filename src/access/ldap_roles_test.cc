#include "access/ldap_roles.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace divan::access {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(LdapRoles, DistinguishedNamesAreComparedWithoutCaseAndSpace) {
    auto one = normalized_dn("CN=Devs, OU=groups,dc=example");
    ASSERT_TRUE(one);
    EXPECT_EQ(one, normalized_dn("cn=devs,ou=Groups,DC=example"));
    EXPECT_EQ(normalized_dn("cn=a\\2cb,dc=x"), normalized_dn("cn=a\\,b,dc=x"));
    EXPECT_NE(one, normalized_dn("cn=devs,ou=groups"));
    for (const char *text : {"", "devs", "cn=a,", ",cn=a", "cn"})
        EXPECT_FALSE(normalized_dn(text)) << text;
    EXPECT_FALSE(normalized_dn(std::string("cn=a\0,cn=b", 10)));
}

TEST(LdapRoles, GroupsByNameAndByDistinguishedName) {
    LdapRoles roles({{"Devs", "developer, reader ,,"},
                     {"cn=ops,ou=groups,dc=example", "operator"},
                     {"cn:leads,ou:groups,dc:example", "lead"},
                     {"cn:a\\,b:c,dc:example", "odd"},
                     {"a:b", "colon"}},
                    false);
    EXPECT_THAT(roles.roles_of({}), IsEmpty());
    EXPECT_THAT(roles.roles_of({{"devs", ""}}), ElementsAre("developer", "reader"));
    EXPECT_THAT(roles.roles_of({{"", "cn=DEVS,ou=other,dc=example"}}), ElementsAre("developer", "reader"));
    EXPECT_THAT(roles.roles_of({{"ops", "CN=ops,OU=groups,DC=example"}}), ElementsAre("operator"));
    EXPECT_THAT(roles.roles_of({{"", "cn=ops,ou=other,dc=example"}}), IsEmpty());
    EXPECT_THAT(roles.roles_of({{"ops", ""}}), IsEmpty());
    EXPECT_THAT(roles.roles_of({{"", "cn=leads,ou=groups,dc=example"}}), ElementsAre("lead"));
    EXPECT_THAT(roles.roles_of({{"", "cn=a\\2cb:c,dc=example"}}), ElementsAre("odd"));
    EXPECT_THAT(roles.roles_of({{"a:b", ""}}), ElementsAre("colon"));
    EXPECT_THAT(roles.roles_of({{"", ""}, {"other", "no name"}}), IsEmpty());
}

TEST(LdapRoles, GroupsAsRoles) {
    LdapRoles roles({{"devs", "developer"}}, true);
    EXPECT_THAT(roles.roles_of({{"devs", ""}, {"", "cn=Other,dc=example"}, {"", "none"}}),
                ElementsAre("Other", "developer", "devs"));
}

} // namespace
} // namespace divan::access
