#include "access/policy_set.h"

#include "json/writer.h"

#include <algorithm>

namespace divan::access {
namespace {

constexpr std::size_t kMadeMax = 10'000;

bool replaces(const std::vector<RolePolicy> &roles, const RolePolicy &standard) {
    return std::any_of(roles.begin(), roles.end(),
                       [&](const auto &role) { return role.name == standard.name; });
}

} // namespace

PolicySet::PolicySet(PolicySet &&other) noexcept
    : options_(other.options_), roles_(std::move(other.roles_)), tenants_(std::move(other.tenants_)),
      document_rules_(std::move(other.document_rules_)), classifications_(std::move(other.classifications_)),
      wants_attributes_(other.wants_attributes_), unreadable_(std::move(other.unreadable_)) {}

void PolicySet::add(Policy policy) {
    if (auto *role = std::get_if<RolePolicy>(&policy)) {
        roles_.push_back(std::move(*role));
    } else if (auto *tenant = std::get_if<TenantPolicy>(&policy)) {
        tenants_.push_back(std::move(*tenant));
    } else if (auto *rule = std::get_if<DocumentRule>(&policy)) {
        wants_attributes_ |= names_attributes(rule->filter);
        document_rules_.push_back(std::move(*rule));
    } else {
        wants_attributes_ = true; // a clearance is one
        classifications_.push_back(std::move(std::get<Classification>(policy)));
    }
}

bool PolicySet::has_document_rules(const Principal &principal, std::string_view database) const {
    auto binds = [&](const auto &policy) {
        return covers_database(policy.databases, database) && policy.subjects.has(principal);
    };
    return std::any_of(document_rules_.begin(), document_rules_.end(), binds) ||
           std::any_of(classifications_.begin(), classifications_.end(), binds);
}

Result<std::shared_ptr<const DocumentAccess>>
PolicySet::document_access(const Principal &principal, const json::Object &attributes,
                           std::string_view database, const selector::Limits &limits,
                           const crypto::BlockCipher &cipher) const {
    if (!has_document_rules(principal, database))
        return std::shared_ptr<const DocumentAccess>();
    std::string key(database);
    key.append("\n").append(user_context_json(principal, "")).append(json::to_text(json::Value(attributes)));
    {
        std::lock_guard lock(mutex_);
        if (auto known = made_.find(key); known != made_.end())
            return known->second;
    }
    RuleUser user{principal.name, principal.roles, attributes};
    DIVAN_TRY(auto made, make_document_access(document_rules_, classifications_, principal, user, database,
                                              limits, cipher));
    std::lock_guard lock(mutex_);
    // Whoever is forgotten is made anew.
    if (made_.size() >= kMadeMax)
        made_.clear();
    made_.emplace(std::move(key), made);
    return made;
}

// The first role that the principal has and of which `visit` says so; null: none.
template <typename Visit>
const RolePolicy *PolicySet::find_role(const Principal &principal, const Visit &visit) const {
    if (principal.anonymous() || (roles_.empty() && !options_.standard_roles))
        return nullptr;
    auto has = [&](const RolePolicy &role) {
        return principal.has_role(role.name) ||
               (principal.roles.empty() && role.name == options_.default_role);
    };
    for (const auto &role : roles_)
        if (has(role) && visit(role))
            return &role;
    if (!options_.standard_roles)
        return nullptr;
    for (const auto &role : standard_roles())
        if (has(role) && !replaces(roles_, role) && visit(role))
            return &role;
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
    for (const auto &role : roles_)
        roles.push_back(&role);
    if (options_.standard_roles)
        for (const auto &role : standard_roles())
            if (!replaces(roles_, role))
                roles.push_back(&role);
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
