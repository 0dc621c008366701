#pragma once

// Asynchronous calls of the database as coroutines.

#include "api/call.h"

namespace divan::api {

// Writes documents and goes on on the connection's executor.
Task<std::vector<Result<db::Written>>> write_documents(Call &call, std::vector<db::Edit> edits);

} // namespace divan::api
