#include "access/policy.h"

#include "access/name_pattern.h"
#include "access/policy_reader.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <initializer_list>

namespace divan::access {
namespace {

constexpr std::array<std::pair<Grant, std::string_view>, 8> kGrants = {{{Grant::read, "read"},
                                                                        {Grant::write, "write"},
                                                                        {Grant::create_db, "create_db"},
                                                                        {Grant::delete_db, "delete_db"},
                                                                        {Grant::compact, "compact"},
                                                                        {Grant::replicate, "replicate"},
                                                                        {Grant::design, "design"},
                                                                        {Grant::configure, "configure"}}};

Result<Policy> read_role(const PolicyReader &reader, const json::Object &document) {
    DIVAN_TRY_VOID(reader.check_members({"name", "permissions", "databases"}));
    RolePolicy role;
    DIVAN_TRY(role.name, reader.text("name"));
    if (role.name.starts_with("_"))
        return no_policy("roles that begin with `_` are the server's own.");
    DIVAN_TRY(role.databases, reader.patterns("databases"));
    DIVAN_TRY(auto names, reader.texts("permissions"));
    for (const auto &name : names) {
        auto grant = std::find_if(kGrants.begin(), kGrants.end(),
                                  [&](const auto &known) { return known.second == name; });
        if (name == "*")
            role.everything = true;
        else if (grant != kGrants.end())
            role.grants.insert(grant->first);
        else
            return no_policy(fmt::format("there is no permission `{}`: there are read, write, create_db, "
                                         "delete_db, compact, replicate, design, configure and *.",
                                         name));
    }
    if (const auto *text = document.find("description"); text != nullptr && text->is_string())
        role.description = text->string();
    return Policy(std::move(role));
}

Result<Policy> read_tenant(const PolicyReader &reader) {
    DIVAN_TRY_VOID(reader.check_members({"name", "database_prefix", "users", "roles"}));
    TenantPolicy tenant;
    DIVAN_TRY(tenant.name, reader.text("name"));
    DIVAN_TRY(tenant.database_prefix, reader.text("database_prefix"));
    // A name and not a pattern; and system databases belong to nobody.
    if (!check_pattern(tenant.database_prefix).ok() ||
        tenant.database_prefix.find('*') != std::string::npos || tenant.database_prefix.front() < 'a' ||
        tenant.database_prefix.front() > 'z')
        return no_policy("`database_prefix` has to be how names of databases begin, such as acme_.");
    DIVAN_TRY(auto users, reader.texts("users"));
    DIVAN_TRY(auto roles, reader.texts("roles"));
    tenant.users.insert(users.begin(), users.end());
    tenant.roles.insert(roles.begin(), roles.end());
    if (users.empty() && roles.empty())
        return no_policy("a tenant has `users`, or `roles` of them.");
    return Policy(std::move(tenant));
}

} // namespace

std::string_view grant_name(Grant grant) {
    return std::find_if(kGrants.begin(), kGrants.end(),
                        [grant](const auto &known) { return known.first == grant; })
        ->second;
}

bool RolePolicy::covers(std::string_view database) const {
    return covers_database(databases, database);
}

json::Object RolePolicy::to_json() const {
    json::Array permissions;
    if (everything)
        permissions.emplace_back("*");
    for (auto grant : grants)
        permissions.emplace_back(grant_name(grant));
    json::Array patterns;
    for (const auto &pattern : databases)
        patterns.emplace_back(pattern);
    json::Object object;
    object.append("permissions", std::move(permissions));
    object.append("databases", std::move(patterns));
    object.append("description", description);
    return object;
}

bool RolePolicy::allows(Grant grant, std::string_view database) const {
    return (everything || grants.contains(grant)) && covers(database);
}

bool RolePolicy::makes_server_admin() const {
    return everything && std::find(databases.begin(), databases.end(), "*") != databases.end();
}

bool TenantPolicy::has(const Principal &principal) const {
    if (principal.anonymous())
        return false;
    return users.contains(principal.name) ||
           std::any_of(principal.roles.begin(), principal.roles.end(),
                       [&](const auto &role) { return roles.contains(role); });
}

Result<Policy> read_policy(const json::Object &document, std::string_view id) {
    PolicyReader reader(document);
    DIVAN_TRY(auto type, reader.text("type"));
    if (type == "role")
        return read_role(reader, document);
    if (type == "tenant")
        return read_tenant(reader);
    if (type == "document_rule") {
        DIVAN_TRY(auto rule, read_document_rule(reader, document));
        rule.id = id;
        return Policy(std::move(rule));
    }
    if (type == "classification") {
        DIVAN_TRY(auto classification, read_classification(reader, document));
        classification.id = id;
        return Policy(std::move(classification));
    }
    if (type == "field_rule") {
        DIVAN_TRY(auto rule, read_field_rule(reader, document));
        rule.id = id;
        return Policy(std::move(rule));
    }
    return no_policy(fmt::format("there is no type `{}`: there are role, tenant, document_rule, "
                                 "classification and field_rule.",
                                 type));
}

const std::vector<RolePolicy> &standard_roles() {
    using enum Grant;
    static const std::vector<RolePolicy> kRoles = {
        {"super_admin", {}, true, {"*"}, "Full system access"},
        {"admin",
         {read, write, create_db, delete_db, compact, replicate},
         false,
         {"*"},
         "Administrative access to all databases"},
        {"developer",
         {read, write, create_db, replicate},
         false,
         {"dev_*", "test_*"},
         "Development environment access"},
        {"analyst", {read}, false, {"analytics_*", "reports_*"}, "Read-only access to analytics databases"},
        {"reader", {read}, false, {"public_*"}, "Basic read access"},
    };
    return kRoles;
}

} // namespace divan::access
