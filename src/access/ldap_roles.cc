#include "access/ldap_roles.h"

#include <algorithm>
#include <ldap.h>
#include <memory>
#include <set>

namespace divan::access {
namespace {

struct FreeDn {
    void operator()(LDAPRDN *dn) const { ldap_dnfree(dn); }
};
using ParsedDn = std::unique_ptr<LDAPRDN, FreeDn>;

// Null if it is none, or the empty one.
ParsedDn parse_dn(const std::string &text) {
    LDAPDN parsed = nullptr;
    // The parser ends at a NUL.
    if (text.find('\0') != std::string::npos ||
        ldap_str2dn(text.c_str(), &parsed, LDAP_DN_FORMAT_LDAPV3) != LDAP_SUCCESS)
        return nullptr;
    return ParsedDn(parsed);
}

std::string lower(std::string text) {
    for (auto &c : text)
        if (c >= 'A' && c <= 'Z')
            c = static_cast<char>(c - 'A' + 'a');
    return text;
}

std::string first_value(const std::string &dn) {
    auto parsed = parse_dn(dn);
    if (!parsed)
        return {};
    const auto &value = (*parsed.get())[0]->la_value;
    return {value.bv_val, value.bv_len};
}

std::vector<std::string> split_roles(std::string_view text) {
    std::vector<std::string> roles;
    while (!text.empty()) {
        auto comma = text.find(',');
        auto part = text.substr(0, comma);
        text.remove_prefix(comma == std::string_view::npos ? text.size() : comma + 1);
        auto begin = part.find_first_not_of(" \t");
        if (begin != std::string_view::npos)
            roles.emplace_back(part.substr(begin, part.find_last_not_of(" \t") - begin + 1));
    }
    return roles;
}

// `cn:devs,ou:groups` as `cn=devs,ou=groups`; a comma behind a backslash ends no part.
std::string with_equals(std::string text) {
    bool searching = true;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '\\')
            ++i;
        else if (text[i] == ',')
            searching = true;
        else if (searching && text[i] == ':') {
            text[i] = '=';
            searching = false;
        }
    }
    return text;
}

} // namespace

std::optional<std::string> normalized_dn(const std::string &text) {
    auto parsed = parse_dn(text);
    char *made = nullptr;
    if (!parsed || ldap_dn2str(parsed.get(), &made, LDAP_DN_FORMAT_LDAPV3) != LDAP_SUCCESS)
        return std::nullopt;
    std::string out(made);
    ldap_memfree(made);
    return lower(std::move(out));
}

LdapRoles::LdapRoles(const std::map<std::string, std::string> &mapping, bool groups_as_roles)
    : groups_as_roles_(groups_as_roles) {
    for (const auto &[group, text] : mapping) {
        auto roles = split_roles(text);
        auto dn = normalized_dn(group.find('=') == std::string::npos ? with_equals(group) : group);
        if (dn)
            by_dn_[*dn] = roles;
        by_name_[lower(group)] = std::move(roles);
    }
}

std::vector<std::string> LdapRoles::roles_of(const std::vector<LdapGroup> &groups) const {
    std::set<std::string> roles;
    auto add = [&](const Map &map, const std::string &key) {
        if (auto found = map.find(key); found != map.end())
            roles.insert(found->second.begin(), found->second.end());
    };
    for (const auto &group : groups) {
        auto name = group.name.empty() ? first_value(group.dn) : group.name;
        add(by_name_, lower(name));
        if (auto dn = normalized_dn(group.dn))
            add(by_dn_, *dn);
        if (groups_as_roles_ && !name.empty())
            roles.insert(std::move(name));
    }
    return {roles.begin(), roles.end()};
}

} // namespace divan::access
