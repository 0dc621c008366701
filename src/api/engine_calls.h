#pragma once

// Asynchronous calls of the database as coroutines.

#include "api/call.h"

namespace divan::api {

// The user's context, as functions of design documents see it: {"db", "name", "roles"}.
[[nodiscard]] std::string user_context_json(const Call &call);

// Writes documents as the call's user and goes on on the connection's executor.
Task<std::vector<Result<db::Written>>> write_documents(Call &call, std::vector<db::Edit> edits);

// Whether the database has a document. Errors: not_found "missing" or "deleted".
Task<Result<void>> require_document(Call &call, std::string id);

} // namespace divan::api
