#pragma once

// What a document of the users database must look like, and who may change what in it. The rules and words of
// the design document `_auth` that CouchDB puts there; here they are part of the server, and cannot be taken
// away.

#include "access/principal.h"
#include "base/result.h"
#include "json/value.h"

#include <string_view>

namespace divan::access {

struct UserEdit {
    std::string_view id;
    bool deleted = false;
    const json::Object &document;           // as it is to be stored
    const json::Object *replaced = nullptr; // null: there was none, or it was deleted
};

// `is_admin`: the principal is an admin of the server or of this database. Errors: forbidden.
[[nodiscard]] Result<void> check_user_edit(const UserEdit &edit, const Principal &principal, bool is_admin);

} // namespace divan::access
