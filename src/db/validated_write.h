#pragma once

// A write that is judged before it is committed: no lock is held while somebody's functions run.
//
// In rounds: read the states that the edits would replace, have them judged, commit those that were accepted.
// An edit whose replaced state is another one when it is committed is not written, and goes into the next
// round. So what was judged is what was replaced.

#include "db/database_state.h"
#include "db/edit_operation.h"
#include "db/write_validator.h"

namespace divan::db {

// Begins it on a pool thread; `done` as Database::write().
void write_validated(std::shared_ptr<Database::State> state, std::vector<Edit> edits, WriteContext context,
                     Database::WriteDone done);

} // namespace divan::db
