#include "access/policy_set.h"

#include "json/writer.h"

#include <algorithm>

namespace divan::access {

PolicySet::PolicySet(Options options) : options_(std::move(options)) {
    if (options_.standard_roles)
        for (const auto &role : standard_roles())
            standard_roles_.push_back(&role);
}

PolicySet::PolicySet(PolicySet &&other) noexcept
    : options_(other.options_), roles_(std::move(other.roles_)),
      standard_roles_(std::move(other.standard_roles_)), tenants_(std::move(other.tenants_)),
      documents_(std::move(other.documents_)), wants_attributes_(other.wants_attributes_),
      unreadable_(std::move(other.unreadable_)) {}

void PolicySet::add(Policy policy) {
    if (auto *role = std::get_if<RolePolicy>(&policy)) {
        std::erase_if(standard_roles_, [&](const auto *standard) { return standard->name == role->name; });
        roles_.push_back(std::move(*role));
    } else if (auto *tenant = std::get_if<TenantPolicy>(&policy)) {
        tenants_.push_back(std::move(*tenant));
    } else if (auto *rule = std::get_if<DocumentRule>(&policy)) {
        wants_attributes_ |= names_attributes(rule->filter);
        documents_.rules.push_back(std::move(*rule));
    } else if (auto *field_rule = std::get_if<FieldRule>(&policy)) {
        wants_attributes_ |= field_rule->filter && names_attributes(*field_rule->filter);
        documents_.field_rules.push_back(std::move(*field_rule));
    } else {
        wants_attributes_ = true; // a clearance is one
        documents_.classifications.push_back(std::move(std::get<Classification>(policy)));
    }
}

bool PolicySet::has_field_rules(std::string_view database) const {
    return std::any_of(documents_.field_rules.begin(), documents_.field_rules.end(),
                       [&](const FieldRule &rule) { return covers_database(rule.databases, database); });
}

Result<std::shared_ptr<const DocumentAccess>>
PolicySet::document_access(const Principal &principal, const json::Object &attributes,
                           std::string_view database, const selector::Limits &limits,
                           const crypto::BlockCipher &cipher) const {
    std::string key(database);
    key.append("\n").append(user_context_json(principal, "")).append(json::to_text(json::Value(attributes)));
    {
        std::lock_guard lock(mutex_);
        if (auto known = made_.find(key); known != made_.end())
            return known->second;
    }
    RuleUser user{principal.name, principal.roles, attributes};
    DIVAN_TRY(auto made, make_document_access(documents_, principal, user, database, limits, cipher));
    std::lock_guard lock(mutex_);
    // Whoever is forgotten is made anew.
    if (made_.size() >= options_.accesses_max)
        made_.clear();
    made_.emplace(std::move(key), made);
    return made;
}

// The first role that the principal has and of which `visit` says so; null: none.
template <typename Visit>
const RolePolicy *PolicySet::find_role(const Principal &principal, const Visit &visit) const {
    if (principal.anonymous() || (roles_.empty() && standard_roles_.empty()))
        return nullptr;
    auto has = [&](const RolePolicy &role) {
        return principal.has_role(role.name) ||
               (principal.roles.empty() && role.name == options_.default_role);
    };
    return find_role_in_force([&](const RolePolicy &role) { return has(role) && visit(role); });
}

template <typename Visit> const RolePolicy *PolicySet::find_role_in_force(const Visit &visit) const {
    for (const auto &role : roles_)
        if (visit(role))
            return &role;
    for (const auto *role : standard_roles_)
        if (visit(*role))
            return role;
    return nullptr;
}

const RolePolicy *PolicySet::granting_role(const Principal &principal, Grant grant,
                                           std::string_view database) const {
    return find_role(principal, [&](const RolePolicy &role) { return role.allows(grant, database); });
}

bool PolicySet::allows_any(const Principal &principal, std::string_view database) const {
    return find_role(principal, [&](const RolePolicy &role) {
               return (role.everything || !role.grants.empty()) && role.covers(database);
           }) != nullptr;
}

bool PolicySet::makes_server_admin(const Principal &principal) const {
    return find_role(principal, [](const RolePolicy &role) { return role.makes_server_admin(); }) != nullptr;
}

std::vector<const RolePolicy *> PolicySet::roles_in_force() const {
    std::vector<const RolePolicy *> roles;
    (void)find_role_in_force([&](const RolePolicy &role) {
        roles.push_back(&role);
        return false;
    });
    return roles;
}

std::vector<std::string> PolicySet::server_admin_roles() const {
    std::vector<std::string> names;
    for (const auto *role : roles_in_force())
        if (role->makes_server_admin())
            names.push_back(role->name);
    return names;
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
