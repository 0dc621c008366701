#include "access/document_policy.h"

#include "access/policy_reader.h"
#include "access/rule_template.h"
#include "selector/path.h"
#include "selector/selector.h"

#include <algorithm>
#include <fmt/format.h>

namespace divan::access {
namespace {

bool any_role(const Principal &principal, const std::vector<std::string> &roles) {
    return std::any_of(roles.begin(), roles.end(),
                       [&](const auto &role) { return principal.has_role(role); });
}

// Somebody who has whatever the filter names, to see whether it is a selector then.
RuleUser sample_user() {
    RuleUser user{"name", {"role"}, {}};
    return user;
}

Result<void> check_level(const std::vector<std::string> &levels, const std::string &level) {
    if (std::find(levels.begin(), levels.end(), level) != levels.end())
        return {};
    return no_policy(fmt::format("`{}` is none of its `levels`.", level));
}

Result<std::map<std::string, std::string>> read_clearances(const json::Object &document,
                                                           const std::vector<std::string> &levels) {
    std::map<std::string, std::string> clearances;
    const auto *value = document.find("clearances");
    if (value == nullptr)
        return clearances;
    if (!value->is_object())
        return no_policy("`clearances` maps roles to levels.");
    for (const auto &member : value->object()) {
        if (!member.value.is_string())
            return no_policy("`clearances` maps roles to levels.");
        DIVAN_TRY_VOID(check_level(levels, member.value.string()));
        clearances.emplace(member.key, member.value.string());
    }
    return clearances;
}

Result<std::optional<std::string>> read_level(const PolicyReader &reader, const json::Object &document,
                                              std::string_view name, const std::vector<std::string> &levels) {
    std::optional<std::string> level;
    if (!document.contains(name))
        return level;
    DIVAN_TRY(level, reader.text(name));
    DIVAN_TRY_VOID(check_level(levels, *level));
    return level;
}

} // namespace

Result<void> check_filter(const json::Value &filter) {
    if (!filter.is_object() || filter.object().empty())
        return no_policy("`filter` has to be a selector, such as {\"owner\": \"{user.name}\"}.");
    if (auto checked = check_template(filter); !checked.ok())
        return no_policy(checked.error().reason());
    // With attributes nobody is at hand who has them; the placeholders themselves are texts, too.
    auto filled = fill_template(filter, sample_user());
    auto compiled = selector::Selector::compile(filled ? *filled : filter);
    if (!compiled.ok())
        return no_policy(fmt::format("`filter` is no selector: {}", compiled.error().reason()));
    return {};
}

bool Subjects::has(const Principal &principal) const {
    if (principal.is_server_admin() || any_role(principal, except_roles))
        return false;
    if (users.empty() && roles.empty())
        return true;
    bool named =
        !principal.anonymous() && std::find(users.begin(), users.end(), principal.name) != users.end();
    return named || any_role(principal, roles);
}

bool covers_database(const std::vector<std::string> &patterns, std::string_view database) {
    bool is_system =
        database.starts_with("_") || database.ends_with("/_users") || database.ends_with("/_replicator");
    return !is_system && std::any_of(patterns.begin(), patterns.end(),
                                     [&](const auto &pattern) { return matches_pattern(pattern, database); });
}

json::Object DocumentRule::to_json() const {
    json::Array permissions;
    if (read)
        permissions.emplace_back("read");
    if (write)
        permissions.emplace_back("write");
    json::Object object;
    object.append("filter", filter);
    object.append("permissions", std::move(permissions));
    return object;
}

Result<DocumentRule> read_document_rule(const PolicyReader &reader, const json::Object &document) {
    DIVAN_TRY_VOID(reader.check_members(
        {"databases", "users", "roles", "except_roles", "permissions", "filter", "safe_views"}));
    DocumentRule rule;
    DIVAN_TRY(rule.databases, reader.patterns("databases"));
    DIVAN_TRY(rule.subjects, reader.subjects());
    DIVAN_TRY(auto permissions, reader.texts("permissions"));
    for (const auto &permission : permissions) {
        if (permission != "read" && permission != "write")
            return no_policy(
                fmt::format("a document rule has no permission `{}`: there are read and write.", permission));
        (permission == "read" ? rule.read : rule.write) = true;
    }
    if (permissions.empty())
        return no_policy("`permissions` has to name read, write or both.");
    const auto *filter = document.find("filter");
    rule.filter = filter != nullptr ? *filter : json::Value();
    DIVAN_TRY_VOID(check_filter(rule.filter));
    DIVAN_TRY(rule.safe_views, reader.safe_views());
    return rule;
}

Result<Classification> read_classification(const PolicyReader &reader, const json::Object &document) {
    DIVAN_TRY_VOID(reader.check_members({"databases", "users", "roles", "except_roles", "field", "levels",
                                         "default_level", "clearances", "default_clearance", "safe_views"}));
    Classification made;
    DIVAN_TRY(made.databases, reader.patterns("databases"));
    DIVAN_TRY(made.subjects, reader.subjects());
    DIVAN_TRY(made.field, reader.text("field"));
    if (auto path = selector::parse_path(made.field); !path.ok())
        return no_policy(fmt::format("`field` is no path: {}", path.error().reason()));
    DIVAN_TRY(made.levels, reader.texts("levels"));
    if (made.levels.size() < 2 ||
        std::set<std::string>(made.levels.begin(), made.levels.end()).size() != made.levels.size())
        return no_policy("`levels` has to be a list of two or more different levels, the lowest first.");
    DIVAN_TRY(made.default_level, read_level(reader, document, "default_level", made.levels));
    DIVAN_TRY(made.default_clearance, read_level(reader, document, "default_clearance", made.levels));
    DIVAN_TRY(made.clearances, read_clearances(document, made.levels));
    DIVAN_TRY(made.safe_views, reader.safe_views());
    return made;
}

} // namespace divan::access
