#pragma once

// Asynchronous calls of the database as coroutines.

#include "api/call.h"
#include "design/advice.h"

namespace divan::api {

// The user's context, as functions of design documents see it: {"db", "name", "roles"}.
[[nodiscard]] std::string user_context_json(const Call &call);

// Writes documents as the call's user and goes on on the connection's executor.
Task<std::vector<Result<db::Written>>> write_documents(Call &call, std::vector<db::Edit> edits);

// Whether a document may be stored as it is: design documents are checked and their views compiled, off this
// thread. What may be a mistake is to be logged when it was stored. Errors: design::check_design_document.
Task<Result<std::vector<design::Advice>>> check_design_document(Call &call, const db::Edit &edit);
void log_advice(const Call &call, std::string_view design_id, const std::vector<design::Advice> &advice);

// Whether the database has a document. Errors: not_found "missing" or "deleted".
Task<Result<void>> require_document(Call &call, std::string id);

} // namespace divan::api
