#pragma once

// A user as the server knows it: a document of the users database, an admin of [admins], or both.

#include "base/error.h"
#include "crypto/password.h"
#include "json/value.h"

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace divan::config {
class Config;
}

namespace divan::access {

inline constexpr std::string_view kUserIdPrefix = "org.couchdb.user:";

struct User {
    std::string name;
    std::vector<std::string> roles; // of an admin "_admin", then those of the document
    std::optional<crypto::PasswordHash> password;
    // Why no password can be checked, though there is one: forbidden.
    std::optional<Error> password_error;
    std::string salt;        // of the password, or of sessions of who has none here; empty: no sessions
    bool is_admin = false;   // of [admins]
    bool locked = false;     // member `locked`: true; set and taken back by admins
    bool conflicted = false; // the document has conflicts: nobody may log in with it
    std::string rev;         // of the document; empty: there is none
    json::Object document;   // its members, without `_id` and others of the system
    std::vector<std::string> attachments; // names of those of the document

    // Changes when the password, the roles, the lock, the attributes for rules or the second factor do: what
    // was permitted under another one is over. Not when a password is only hashed anew.
    std::string authority;
};

// The user of a document, without its name. Lenient as CouchDB: what is not understood is not there.
[[nodiscard]] User read_user(json::Object document);
// The user of an admin's text, joined to the one of the document if there is one.
[[nodiscard]] User join_admin(std::string name, std::string_view admin_text, std::optional<User> of_document);

// Whether a password of the user may be checked here. Errors: forbidden: PRF or iterations are outside of
// [chttpd_auth] min_iterations and max_iterations, with CouchDB's words.
[[nodiscard]] Result<void> check_password_cost(const crypto::PasswordHash &hash,
                                               const config::Config &config);

// Replaces the members of a document that hold a password: `password`, `derived_key`, `salt`, ... by those of
// a hash, in CouchDB's names and order.
void set_password_members(json::Object &document, const crypto::PasswordHash &hash);
// The same as a JSON object of its own, and back; nullopt if it holds none.
[[nodiscard]] json::Object password_members(const crypto::PasswordHash &hash);
[[nodiscard]] std::optional<crypto::PasswordHash> read_password_members(const json::Object &object);

} // namespace divan::access
