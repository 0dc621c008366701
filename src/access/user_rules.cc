#include "access/user_rules.h"

#include "access/user.h"

#include <algorithm>
#include <fmt/format.h>

namespace divan::access {
namespace {

Error forbidden(std::string reason) {
    return {ErrorCode::forbidden, std::move(reason)};
}

const json::Value &member(const json::Object &object, std::string_view name) {
    static const json::Value kNull;
    const auto *value = object.find(name);
    return value != nullptr ? *value : kNull;
}

// As JavaScript's `!value`.
bool is_falsy(const json::Value &value) {
    return value.is_null() || (value.is_boolean() && !value.boolean()) ||
           (value.is_string() && value.string().empty()) || (value.is_number() && value.as_double() == 0.0);
}

Result<void> check_roles(const json::Value &roles) {
    if (is_falsy(roles))
        return forbidden("doc.roles must exist");
    if (!roles.is_array())
        return forbidden("doc.roles must be an array");
    for (const auto &role : roles.array())
        if (!role.is_string())
            return forbidden("doc.roles can only contain strings");
    return {};
}

Result<void> check_password_members(const json::Object &document) {
    if (!is_falsy(member(document, "password_sha")) && is_falsy(member(document, "salt")))
        return forbidden("Users with password_sha must have a salt.");
    const auto &scheme = member(document, "password_scheme");
    if (is_falsy(scheme))
        return {};
    auto name = scheme.is_string() ? scheme.string() : std::string("?");
    if (name != "simple" && name != "pbkdf2" && name != "simple+pbkdf2")
        return forbidden(fmt::format("Password scheme `{}` not supported.", name));
    if (name == "pbkdf2" && !member(document, "iterations").is_number())
        return forbidden("iterations must be a number.");
    if (name == "pbkdf2" && !member(document, "derived_key").is_string())
        return forbidden("derived_key must be a string.");
    return {};
}

std::vector<std::string> sorted_roles(const json::Object &document) {
    std::vector<std::string> roles;
    if (const auto &value = member(document, "roles"); value.is_array())
        for (const auto &role : value.array())
            roles.push_back(role.is_string() ? role.string() : std::string());
    std::sort(roles.begin(), roles.end());
    return roles;
}

// Who is removed from a directory must not stay by a password that he gave himself here.
Result<void> check_provider(const json::Object &before, const json::Object &after) {
    const auto &provider = member(before, "identity_provider");
    if (provider != member(after, "identity_provider"))
        return forbidden("Only _admin may change identity_provider");
    for (const char *name : {"password_scheme", "derived_key", "password_sha"})
        if (!is_falsy(provider) && member(before, name) != member(after, name))
            return forbidden("Your password is not kept here: change it where you log in with it.");
    return {};
}

Result<void> check_rights(const UserEdit &edit, const Principal &principal) {
    if (!edit.replaced) {
        if (!sorted_roles(edit.document).empty())
            return forbidden("Only _admin may set roles");
    } else {
        if (principal.anonymous() || json::Value(principal.name) != member(edit.document, "name"))
            return forbidden("You may only update your own user document.");
        if (sorted_roles(*edit.replaced) != sorted_roles(edit.document))
            return forbidden("Only _admin may edit roles");
    }
    static const json::Object kNone;
    const auto &before = edit.replaced ? *edit.replaced : kNone;
    if (member(before, "locked") != member(edit.document, "locked"))
        return forbidden("Only _admin may lock and unlock accounts");
    // Document rules go by them.
    if (member(before, "policy_attributes") != member(edit.document, "policy_attributes"))
        return forbidden("Only _admin may change policy_attributes");
    return check_provider(before, edit.document);
}

Result<void> check_system_names(const json::Object &document) {
    for (const auto &role : member(document, "roles").array())
        if (role.string().starts_with("_"))
            return forbidden("No system roles (starting with underscore) in users db.");
    const auto &name = member(document, "name").string();
    if (name.starts_with("_"))
        return forbidden("Username may not start with underscore.");
    if (name.find(':') != std::string::npos)
        return forbidden("Character `:` is not allowed in usernames.");
    return {};
}

} // namespace

Result<void> check_user_edit(const UserEdit &edit, const Principal &principal, bool is_admin) {
    if (edit.deleted) {
        bool own = edit.replaced != nullptr && !principal.anonymous() &&
                   member(*edit.replaced, "name") == json::Value(principal.name);
        return principal.is_server_admin() || own ? Result<void>()
                                                  : forbidden("Only admins may delete other user docs.");
    }
    const auto &document = edit.document;
    if (member(document, "type") != json::Value("user"))
        return forbidden("doc.type must be user");
    const auto &name = member(document, "name");
    if (is_falsy(name))
        return forbidden("doc.name is required");
    DIVAN_TRY_VOID(check_roles(member(document, "roles")));
    if (!name.is_string() || edit.id != std::string(kUserIdPrefix) + name.string())
        return forbidden("Doc ID must be of the form org.couchdb.user:name");
    if (edit.replaced && member(*edit.replaced, "name") != name)
        return forbidden("Usernames can not be changed.");
    DIVAN_TRY_VOID(check_password_members(document));
    if (!is_admin) {
        DIVAN_TRY_VOID(check_rights(edit, principal));
    }
    return check_system_names(document);
}

} // namespace divan::access
