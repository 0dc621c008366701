#pragma once

// What document and field rules make of a write by whom they bind.
//
// Databases are those that show everything. Blocks on the engine. Threads: any.

#include "access/document_access.h"
#include "db/database.h"
#include "db/write_validator.h"

namespace divan::access {

// Puts what the writer may not change into an interactive edit as it is stored: who saves a document that was
// read without a field, or with a mask in its place, does not lose or change it. Other edits stay as they
// are. Errors: forbidden, if a new document has such a field.
Result<void> keep_fields(db::Database &database, const FieldAccess &fields, db::Edit &edit);

// Errors: forbidden where no rule lets it be written, or it changes such fields; conflict, if the revision
// that an interactive edit replaces came only after keep_fields(). `pushes_allowed`: a replicated edit may
// wipe fields that the writer does not see: it cannot be amended.
[[nodiscard]] Result<void> judge_document(db::Database &database, const DocumentAccess &access,
                                          const db::JudgedEdit &judged, bool pushes_allowed);

} // namespace divan::access
