#pragma once

// A document of the users database as it is stored; for the files of this module only.

#include "db/database.h"
#include "json/value.h"

#include <optional>
#include <string>
#include <vector>

namespace divan::access {

struct StoredUser {
    db::Head head;
    json::Object document;
    std::vector<std::string> attachments; // their names
};

// nullopt: there is none, or it is deleted. Blocks on the engine. Errors: those of the engine.
[[nodiscard]] Result<std::optional<StoredUser>> read_stored_user(db::Database &database,
                                                                 const std::string &id);

} // namespace divan::access
