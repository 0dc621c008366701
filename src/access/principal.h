#pragma once

// Who makes a request.

#include <string>
#include <string_view>
#include <vector>

namespace divan::access {

struct Principal {
    std::string name;               // empty = nobody
    std::vector<std::string> roles; // "_admin" for server admins
    std::string authenticated_by;   // "cookie", "default" (Basic); empty = nobody

    [[nodiscard]] bool anonymous() const { return name.empty(); }
    [[nodiscard]] bool has_role(std::string_view role) const;
    [[nodiscard]] bool is_server_admin() const { return has_role("_admin"); }
};

// What functions of design documents see of who writes to a database: {"db", "name", "roles"}.
[[nodiscard]] std::string user_context_json(const Principal &principal, std::string_view database);

} // namespace divan::access
