#include "access/principal.h"

#include "json/parser.h"
#include "json/writer.h"

#include <algorithm>

namespace divan::access {

bool Principal::has_role(std::string_view role) const {
    return std::find(roles.begin(), roles.end(), role) != roles.end();
}

std::string user_context_json(const Principal &principal, std::string_view database) {
    std::string text;
    json::ObjectWriter writer(text);
    writer.member("db", database);
    if (principal.anonymous())
        writer.null("name");
    else
        writer.member("name", std::string_view(principal.name));
    json::Array roles(principal.roles.begin(), principal.roles.end());
    writer.value("roles", json::Value(std::move(roles)));
    writer.close();
    return text;
}

Principal read_user_context(std::string_view text) {
    Principal principal;
    auto value = json::parse(text);
    if (!value.ok() || !value->is_object())
        return principal;
    if (const auto *name = value->object().find("name"); name != nullptr && name->is_string())
        principal.name = name->string();
    if (const auto *roles = value->object().find("roles"); roles != nullptr && roles->is_array())
        for (const auto &role : roles->array())
            if (role.is_string())
                principal.roles.push_back(role.string());
    return principal;
}

} // namespace divan::access
