#pragma once

// What [ldap] and [ldap_roles] say, checked.

#include "access/ldap_roles.h"
#include "base/clock.h"
#include "base/result.h"
#include "config/config.h"

#include <string>
#include <string_view>
#include <vector>

namespace divan::access {

struct LdapServer {
    std::string url; // scheme, host and port and nothing else
    std::string host;
    bool start_tls = false;
};

struct LdapSettings {
    std::vector<LdapServer> servers; // tried in turn
    std::string cacert_file;         // empty: the system's
    bool verify_certificates = true;
    // A user's DN is made of the template, or searched for below `user_base`; the other one is empty.
    std::string user_dn_template;
    std::string user_base;
    std::string user_filter;
    std::string bind_dn; // of searches; empty: nobody
    crypto::SharedSecret bind_password;
    std::vector<std::string> name_attributes;
    std::string user_group_attribute; // empty: none
    std::string group_base;           // empty: groups are not searched for
    std::string group_filter;
    std::string group_attribute;
    std::vector<std::string> attributes;
    LdapRoles roles;
    Millis connect_timeout{};
    Millis request_timeout{};
    Millis retry_delay{};
};

// Errors: bad_request naming the setting and what to do; no error shows a password. Reads the file system: a
// certificate file has to be there.
[[nodiscard]] Result<LdapSettings> read_ldap_settings(const config::Config &config);

// Errors: bad_request.
[[nodiscard]] Result<LdapServer> parse_ldap_url(std::string_view url);

} // namespace divan::access
