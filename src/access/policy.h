#pragma once

// What the documents of the policies database say: roles, tenants, and rules for documents and their fields.
// docs/authorization.md describes them.

#include "access/document_policy.h"
#include "access/field_policy.h"
#include "access/principal.h"
#include "base/result.h"
#include "json/value.h"

#include <set>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace divan::access {

inline constexpr std::string_view kPoliciesDatabase = "_policies";

// What a role may permit. The first six are the seed of the standard roles.
enum class Grant : std::uint8_t {
    read,      // documents, views, changes
    write,     // documents and attachments
    create_db, // PUT /{db}
    delete_db, // DELETE /{db}
    compact,   // compaction, and cleaning up after views
    replicate, // checkpoints of replications (`_local` documents)
    design,    // design documents and indexes
    configure, // `_security`, `_revs_limit`, `_auto_purge`
};
[[nodiscard]] std::string_view grant_name(Grant grant);

struct RolePolicy {
    std::string name;
    std::set<Grant> grants;
    bool everything = false;            // "*": over all databases that is a server admin
    std::vector<std::string> databases; // patterns
    std::string description;

    [[nodiscard]] bool covers(std::string_view database) const;
    [[nodiscard]] bool allows(Grant grant, std::string_view database) const;
    [[nodiscard]] bool makes_server_admin() const;
    // {"permissions", "databases", "description"}
    [[nodiscard]] json::Object to_json() const;
};

// A closed world: its databases are for its people only, and its people for its databases.
struct TenantPolicy {
    std::string name;
    std::string database_prefix;
    std::set<std::string, std::less<>> users;
    std::set<std::string, std::less<>> roles;

    [[nodiscard]] bool has(const Principal &principal) const;
    [[nodiscard]] bool owns(std::string_view database) const { return database.starts_with(database_prefix); }
};

using Policy = std::variant<RolePolicy, TenantPolicy, DocumentRule, Classification, FieldRule>;

// Reads the body of a document. Unknown members are errors: a misspelt one would be a rule that is not in
// force. Errors: forbidden with what is wrong and what is expected.
[[nodiscard]] Result<Policy> read_policy(const json::Object &document, std::string_view id = {});

// super_admin, admin, developer, analyst and reader, in force with [authorization] rbac_enabled.
[[nodiscard]] const std::vector<RolePolicy> &standard_roles();

} // namespace divan::access
