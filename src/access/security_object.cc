#include "access/security_object.h"

#include "json/parser.h"

#include <algorithm>

namespace divan::access {
namespace {

std::vector<std::string> read_strings(const json::Object &group, std::string_view name) {
    std::vector<std::string> strings;
    const auto *value = group.find(name);
    if (value != nullptr && value->is_array())
        for (const auto &element : value->array())
            if (element.is_string())
                strings.push_back(element.string());
    return strings;
}

SecurityObject::Group read_group(const json::Value *value) {
    if (value == nullptr || !value->is_object())
        return {};
    return {read_strings(value->object(), "names"), read_strings(value->object(), "roles")};
}

} // namespace

bool SecurityObject::Group::has(const Principal &principal) const {
    if (!principal.anonymous() && std::find(names.begin(), names.end(), principal.name) != names.end())
        return true;
    return std::any_of(roles.begin(), roles.end(),
                       [&](const auto &role) { return principal.has_role(role); });
}

bool SecurityObject::is_admin(const Principal &principal) const {
    return principal.is_server_admin() || admins.has(principal);
}

bool SecurityObject::is_member(const Principal &principal) const {
    return members.empty() || members.has(principal) || is_admin(principal);
}

SecurityObject parse_security_object(std::string_view text) {
    auto value = json::parse(text, {.depth_max = json::kAnyDepth});
    if (!value.ok() || !value->is_object())
        // Nobody but server admins: a text that cannot be read opens nothing.
        return {.admins = {}, .members = {.names = {}, .roles = {"_admin"}}};
    const auto &object = value->object();
    const auto *members = object.find("members");
    return {read_group(object.find("admins")),
            read_group(members != nullptr ? members : object.find("readers"))};
}

} // namespace divan::access
