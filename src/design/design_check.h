#pragma once

// What CouchDB checks when a design document is saved (couch_mrview:validate): kinds of members, names of
// reduces, and that the functions of views compile. Whether other functions do is seen when they are called.

#include "base/result.h"
#include "base/unique_function.h"
#include "db/database.h"
#include "design/advice.h"
#include "script/pool.h"
#include "selector/selector.h"

namespace divan::design {

// All but whether functions compile. `json`: db::Edit::json; `partitioned`: the database is; `limits`: of a
// `validate_doc_update` that is a selector.
// Errors: invalid_design_doc; not_found "missing function" for an empty function.
[[nodiscard]] Result<void> check_members(std::string_view json, bool partitioned,
                                         const selector::Limits &limits = {});

// Whether an edit may be stored as it is, and what its author may want to be told; anything but a design
// document may. Parses on this thread: not for network threads. Calls `done` once, on this thread or a
// worker's. Errors: as check_members; compilation_error; service_unavailable. `edit` and `database` are not
// kept.
void check_design_document(const db::Edit &edit, const db::Database &database, const selector::Limits &limits,
                           script::Pool &scripts, UniqueFunction<void(Result<std::vector<Advice>>)> done);

} // namespace divan::design
