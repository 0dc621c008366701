#pragma once

// Fills databases from JSON files: `divan serve --memory --load PATH`. docs/load.md has the forms.

#include "db/store.h"

#include <string>

namespace divan::server {

// Errors: bad_request naming the file and what is wrong in it.
[[nodiscard]] Result<void> load_documents(db::Store &store, const std::string &path);

} // namespace divan::server
