#pragma once

// Notes in documents of `_replicator` databases how their replications went.

#include "replication/document.h"
#include "replication/replicate.h"

namespace divan::db {
class Store;
}

namespace divan::replication {

// Writes a note into the newest revision of a document, unless it asks for something else by now than
// `essence` (document_essence()), or is gone. Conflicts are tried again, some times. False: nothing was
// written. Errors: as the store answers; conflict; cancelled.
Task<Result<bool>> write_note(Context &context, db::Store &store, std::string database, std::string id,
                              std::string essence, DocumentNote note, Cancellation &cancellation);

} // namespace divan::replication
