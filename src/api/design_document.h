#pragma once

// What CouchDB checks when a design document is saved (couch_mrview:validate), as far as it needs no
// JavaScript: whether functions compile is not looked at.

#include "base/result.h"
#include "db/types.h"

namespace divan::api {

// Whether an edit may be stored as it is; anything but a design document may. `partitioned`: the database is.
// Errors: invalid_design_doc; not_found "missing function" for an empty function.
[[nodiscard]] Result<void> check_design_document(const db::Edit &edit, bool partitioned);

} // namespace divan::api
