#include "access/policy.h"

#include "access/name_pattern.h"

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

Error wrong(std::string reason) {
    return {ErrorCode::forbidden, "This is no policy: " + std::move(reason)};
}

// The members of a policy, taken one by one.
class Reader {
  public:
    explicit Reader(const json::Object &document) : document_(document) {}

    Result<void> check_members(std::initializer_list<std::string_view> known) const {
        for (const auto &member : document_)
            if (std::find(known.begin(), known.end(), member.key) == known.end() && member.key != "type" &&
                member.key != "description")
                return wrong(fmt::format("its type knows no member `{}`.", member.key));
        return {};
    }

    Result<std::string> text(std::string_view name) const {
        const auto *value = document_.find(name);
        if (value == nullptr || !value->is_string() || value->string().empty())
            return wrong(fmt::format("`{}` has to be a text.", name));
        return value->string();
    }

    // Absent: empty.
    Result<std::vector<std::string>> texts(std::string_view name) const {
        std::vector<std::string> texts;
        const auto *value = document_.find(name);
        if (value == nullptr)
            return texts;
        if (!value->is_array())
            return wrong(fmt::format("`{}` has to be a list of texts.", name));
        for (const auto &entry : value->array()) {
            if (!entry.is_string() || entry.string().empty())
                return wrong(fmt::format("`{}` has to be a list of texts.", name));
            texts.push_back(entry.string());
        }
        return texts;
    }

    Result<std::vector<std::string>> patterns(std::string_view name) const {
        DIVAN_TRY(auto patterns, texts(name));
        if (patterns.empty())
            return wrong(fmt::format("`{}` has to name databases, such as [\"dev_*\"].", name));
        for (const auto &pattern : patterns)
            if (auto checked = check_pattern(pattern); !checked.ok())
                return wrong(checked.error().reason());
        return patterns;
    }

  private:
    const json::Object &document_;
};

Result<Policy> read_role(const Reader &reader, const json::Object &document) {
    DIVAN_TRY_VOID(reader.check_members({"name", "permissions", "databases"}));
    RolePolicy role;
    DIVAN_TRY(role.name, reader.text("name"));
    if (role.name.starts_with("_"))
        return wrong("roles that begin with `_` are the server's own.");
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
            return wrong(fmt::format("there is no permission `{}`: there are read, write, create_db, "
                                     "delete_db, compact, replicate, design, configure and *.",
                                     name));
    }
    if (const auto *text = document.find("description"); text != nullptr && text->is_string())
        role.description = text->string();
    return Policy(std::move(role));
}

Result<Policy> read_tenant(const Reader &reader) {
    DIVAN_TRY_VOID(reader.check_members({"name", "database_prefix", "users", "roles"}));
    TenantPolicy tenant;
    DIVAN_TRY(tenant.name, reader.text("name"));
    DIVAN_TRY(tenant.database_prefix, reader.text("database_prefix"));
    // A name and not a pattern; and system databases belong to nobody.
    if (!check_pattern(tenant.database_prefix).ok() ||
        tenant.database_prefix.find('*') != std::string::npos || tenant.database_prefix.front() < 'a' ||
        tenant.database_prefix.front() > 'z')
        return wrong("`database_prefix` has to be how names of databases begin, such as acme_.");
    DIVAN_TRY(auto users, reader.texts("users"));
    DIVAN_TRY(auto roles, reader.texts("roles"));
    tenant.users.insert(users.begin(), users.end());
    tenant.roles.insert(roles.begin(), roles.end());
    if (users.empty() && roles.empty())
        return wrong("a tenant has `users`, or `roles` of them.");
    return Policy(std::move(tenant));
}

} // namespace

std::string_view grant_name(Grant grant) {
    return std::find_if(kGrants.begin(), kGrants.end(),
                        [grant](const auto &known) { return known.first == grant; })
        ->second;
}

bool RolePolicy::covers(std::string_view database) const {
    // Policies, users and replications are given away by their own rules, never by a pattern.
    if (database.starts_with("_") || database.ends_with("/_users") || database.ends_with("/_replicator"))
        return false;
    return std::any_of(databases.begin(), databases.end(),
                       [&](const auto &pattern) { return matches_pattern(pattern, database); });
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

Result<Policy> read_policy(const json::Object &document) {
    Reader reader(document);
    DIVAN_TRY(auto type, reader.text("type"));
    if (type == "role")
        return read_role(reader, document);
    if (type == "tenant")
        return read_tenant(reader);
    return wrong(fmt::format("there is no type `{}`: there are role and tenant.", type));
}

const std::vector<RolePolicy> &standard_roles() {
    using enum Grant;
    static const std::vector<RolePolicy> roles = {
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
    return roles;
}

} // namespace divan::access
