#pragma once

// The `_security` of a database: who administers it, and who may read and write. Source:
// couch_db:check_is_admin and check_is_member.

#include "access/principal.h"

#include <string>
#include <string_view>
#include <vector>

namespace divan::access {

struct SecurityObject {
    struct Group {
        std::vector<std::string> names;
        std::vector<std::string> roles;
        [[nodiscard]] bool empty() const { return names.empty() && roles.empty(); }
        [[nodiscard]] bool has(const Principal &principal) const;
    };
    Group admins;
    Group members; // empty: everybody

    [[nodiscard]] bool is_admin(const Principal &principal) const;
    [[nodiscard]] bool is_member(const Principal &principal) const;
};

// Lenient as CouchDB: what is not understood names nobody, and `readers` is an older name of `members`.
[[nodiscard]] SecurityObject parse_security_object(std::string_view text);

} // namespace divan::access
