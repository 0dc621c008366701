#pragma once

// From the groups of a directory to roles.

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace divan::access {

struct LdapGroup {
    std::string name; // empty: the value that its DN begins with
    std::string dn;   // empty: not known
};

// A distinguished name in the one form that is compared (case and white space do not count); nullopt if it is
// none. Attributes whose values differ by case are taken for equal, as in nearly every schema.
[[nodiscard]] std::optional<std::string> normalized_dn(const std::string &text);

// A value; any number of threads may read it.
class LdapRoles {
  public:
    LdapRoles() = default;
    // `mapping` is section [ldap_roles]: a group's name or DN, and its roles, separated by commas. In a DN
    // `:` may stand for the first `=` of each part, for ini files, where `=` ends the name of a setting.
    // `groups_as_roles`: each group gives a role of its own name, besides.
    LdapRoles(const std::map<std::string, std::string> &mapping, bool groups_as_roles);

    // The roles that these groups give, sorted, each once.
    [[nodiscard]] std::vector<std::string> roles_of(const std::vector<LdapGroup> &groups) const;

  private:
    using Map = std::map<std::string, std::vector<std::string>>;
    Map by_name_; // in lower case
    Map by_dn_;   // normalized
    bool groups_as_roles_ = false;
};

} // namespace divan::access
