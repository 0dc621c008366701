#pragma once

// Asynchronous calls of the database as coroutines.

#include "api/call.h"

namespace divan::api {

// The user's context, as functions of design documents see it: {"db", "name", "roles"}.
[[nodiscard]] std::string user_context_json(const Call &call);

// Writes documents as the call's user and goes on on the connection's executor.
Task<std::vector<Result<db::Written>>> write_documents(Call &call, std::vector<db::Edit> edits);

// Whether a document may be stored as it is: design documents are checked and their views compiled, off this
// thread. Errors: design::check_design_document.
Task<Result<void>> check_design_document(Call &call, const db::Edit &edit);

// Whether the database has a document. Errors: not_found "missing" or "deleted".
Task<Result<void>> require_document(Call &call, std::string id);

} // namespace divan::api
