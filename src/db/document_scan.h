#pragma once

// The current documents of a database as JSON texts: what selectors match and indexes are made of. Calls:
// Database::scan_documents() and Database::texts().
//
// A text has `_id`, `_rev`, the members of the body, what the options ask for, and `_attachments` with stubs,
// in that order: canonical text (json/writer.h). Deleted documents have none. Each text is of one state of
// its document that was committed; different documents may be of different moments.

#include "db/types.h"

#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace divan::db {

struct TextOptions {
    bool local_sequence = false;    // with `_local_seq`
    bool conflicts = false;         // with `_conflicts`, if there are some; costs a read of their trees
    bool deleted_conflicts = false; // with `_deleted_conflicts`, the same
    // `_id`, `_rev` and `_attachments` may be missing in any text: it need not be put together then.
    bool plain_members = false;
};

// Documents in the order of their ids (bytes).
struct DocumentScan {
    std::string begin;              // first id
    std::optional<std::string> end; // first id behind the range
    bool reverse = false;           // from the last id of the range to the first
    bool design_documents = true;
    TextOptions text;
    // Is told of every row, also of deleted documents, before the texts of its page are visited, and says
    // whether its text is wanted. The id is valid until then. Empty: all texts are wanted.
    std::function<bool(std::string_view id, const RowFacts &facts)> choose;
    // The scan ends after this many visits, and after the row at which one of the other two is reached: they
    // bound a call over documents that are deleted or left out, and over large ones.
    std::size_t documents_max = 1'000;
    std::size_t rows_max = 10'000;
    std::size_t text_bytes_max = 64 << 20;
    // Of one call of the engine, and what is held in memory: twice the bytes, or one document.
    std::size_t page_rows_max = 1'000;
    std::size_t page_bytes_max = kPageBytesMax;
};

// Where a scan ended.
struct DocumentScanEnd {
    // The last id that was read, also if its document was left out: go on behind (or, in reverse, before) it.
    // Empty if there was none.
    std::string last_id;
    bool exhausted = false;    // the range has no more rows
    std::size_t documents = 0; // visited
    std::size_t rows = 0;      // read
};

// Is given an id and its text, both valid during the call only; says whether to go on. It may call the
// database.
using DocumentVisitor = std::function<bool(std::string_view id, std::string_view text)>;

} // namespace divan::db
