#include "access/ldap_escape.h"

#include "access/ldap_roles.h"

#include <gtest/gtest.h>

namespace divan::access {
namespace {

TEST(LdapEscape, ValuesOfFilters) {
    EXPECT_EQ(escape_filter_value("anna"), "anna");
    EXPECT_EQ(escape_filter_value("*"), "\\2a");
    EXPECT_EQ(escape_filter_value(")(uid=*"), "\\29\\28uid=\\2a");
    EXPECT_EQ(escape_filter_value("a\\b"), "a\\5cb");
    EXPECT_EQ(escape_filter_value(std::string("a\0b", 3)), "a\\00b");
    EXPECT_EQ(escape_filter_value("J\u00fcrgen"), "J\u00fcrgen");
}

TEST(LdapEscape, ValuesOfNames) {
    EXPECT_EQ(escape_dn_value("anna"), "anna");
    EXPECT_EQ(escape_dn_value("anna,ou=x"), "anna\\2cou\\3dx");
    EXPECT_EQ(escape_dn_value("\"+,;<>=\\"), "\\22\\2b\\2c\\3b\\3c\\3e\\3d\\5c");
    EXPECT_EQ(escape_dn_value(" a b "), "\\20a b\\20");
    EXPECT_EQ(escape_dn_value(" "), "\\20");
    EXPECT_EQ(escape_dn_value("#a#"), "\\23a#");
    EXPECT_EQ(escape_dn_value("a\t"), "a\\09") << "OpenLDAP would take it for a";
    EXPECT_EQ(escape_dn_value(std::string("\0", 1)), "\\00");
}

TEST(LdapEscape, WhatIsPutInIsNotLookedThroughAgain) {
    EXPECT_EQ(expand_filter("(|(uid={name})(m={dn})(n={name}))", "{dn}", "{name}"),
              "(|(uid={dn})(m={name})(n={dn}))");
    EXPECT_EQ(expand_dn("uid={name},cn={name}{dn}", "{name}"), "uid={name},cn={name}{dn}");
    EXPECT_EQ(expand_filter("{name", "a", "b"), "{name");
}

TEST(LdapEscape, ANameIsOnePartOfADistinguishedName) {
    for (const char *name :
         {"anna,ou=x", "anna+uid=b", " ", "#00", "a\\", "a=b", "\"", "a;b", "a\t", "\na"}) {
        auto dn = normalized_dn(expand_dn("uid={name},ou=people", name));
        ASSERT_TRUE(dn) << name;
        auto roles = LdapRoles({}, true).roles_of({{"", expand_dn("uid={name},ou=people", name)}});
        ASSERT_EQ(roles.size(), 1u) << name;
        EXPECT_EQ(roles[0], name);
    }
}

} // namespace
} // namespace divan::access
