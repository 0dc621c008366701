#include "access/principal.h"

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

} // namespace divan::access
