#pragma once

// Fills databases from JSON files: `divan serve --memory --load PATH`. docs/load.md has the forms.

#include "config/config.h"
#include "db/store.h"
#include "server/server_databases.h"

#include <string>

namespace divan::server {

// Documents are checked as those of a request are; `_rev` and `_revisions` are passed over.
// Errors: bad_request naming the file, the document and what is wrong with it.
[[nodiscard]] Result<void> load_documents(db::Store &store, ServerDatabases &databases,
                                          const config::Config &config, const std::string &path);

} // namespace divan::server
