#pragma once

// Who makes a request.

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace divan::access {

struct User;

struct Principal {
    std::string name;               // empty = nobody
    std::vector<std::string> roles; // "_admin" for server admins
    std::string authenticated_by;   // "cookie", "default" (a password), "proxy", "jwt"; empty = nobody
    // What the server itself knows of who it is; null: others vouch for the name, or nobody.
    std::shared_ptr<const User> account = {};
    // Its password was looked at for this request, and not remembered from one before.
    bool password_checked = false;
    // It may do nothing but set up the second factor that its roles ask for.
    bool enrolment_due = false;
    // It is a server admin by a role of the policies, and not by its own roles.
    bool elevated = false;
    // When what it logged in with ends, since the epoch; a token's `exp`.
    std::optional<std::chrono::seconds> valid_until = {};

    [[nodiscard]] bool anonymous() const { return name.empty(); }
    [[nodiscard]] bool has_role(std::string_view role) const;
    [[nodiscard]] bool is_server_admin() const { return has_role("_admin"); }
};

// What functions of design documents see of who writes to a database: {"db", "name", "roles"}.
[[nodiscard]] std::string user_context_json(const Principal &principal, std::string_view database);
// The name and the roles of such a text.
[[nodiscard]] Principal read_user_context(std::string_view text);

} // namespace divan::access
