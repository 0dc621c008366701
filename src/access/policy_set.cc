#include "access/policy_set.h"

#include <algorithm>

namespace divan::access {

void PolicySet::add(Policy policy) {
    if (auto *role = std::get_if<RolePolicy>(&policy))
        roles_.push_back(std::move(*role));
    else
        tenants_.push_back(std::move(std::get<TenantPolicy>(policy)));
}

// Whether `visit` says so of a role that the principal has.
template <typename Visit> bool PolicySet::any_role(const Principal &principal, const Visit &visit) const {
    if (principal.anonymous() || (roles_.empty() && !options_.standard_roles))
        return false;
    auto has = [&](const RolePolicy &role) {
        return principal.has_role(role.name) ||
               (principal.roles.empty() && role.name == options_.default_role);
    };
    for (const auto &role : roles_)
        if (has(role) && visit(role))
            return true;
    if (!options_.standard_roles)
        return false;
    auto replaced = [&](const RolePolicy &standard) {
        return std::any_of(roles_.begin(), roles_.end(),
                           [&](const auto &role) { return role.name == standard.name; });
    };
    const auto &standard = standard_roles();
    return std::any_of(standard.begin(), standard.end(),
                       [&](const auto &role) { return has(role) && !replaced(role) && visit(role); });
}

bool PolicySet::allows(const Principal &principal, Grant grant, std::string_view database) const {
    return any_role(principal, [&](const RolePolicy &role) { return role.allows(grant, database); });
}

bool PolicySet::allows_any(const Principal &principal, std::string_view database) const {
    return any_role(principal, [&](const RolePolicy &role) {
        return (role.everything || !role.grants.empty()) && role.covers(database);
    });
}

bool PolicySet::makes_server_admin(const Principal &principal) const {
    return any_role(principal, [](const RolePolicy &role) { return role.makes_server_admin(); });
}

void PolicySet::elevate(Principal &principal) const {
    if (principal.is_server_admin() || !makes_server_admin(principal))
        return;
    principal.roles.insert(principal.roles.begin(), "_admin");
    principal.elevated = true;
}

bool PolicySet::keeps_out(const Principal &principal, std::string_view database) const {
    if (principal.is_server_admin() || database.starts_with("_"))
        return false;
    if (!unreadable_.empty())
        return true;
    bool in_a_tenant = false;
    bool at_home = false;
    for (const auto &tenant : tenants_) {
        bool has = tenant.has(principal);
        bool owns = tenant.owns(database);
        if (owns && !has)
            return true;
        in_a_tenant |= has;
        at_home |= has && owns;
    }
    return in_a_tenant && !at_home;
}

} // namespace divan::access
