#pragma once

// Documents in the order of the changes feed, ready to be mapped.

#include "db/database.h"

#include <string>
#include <vector>

namespace divan::index {

// A document as the changes feed has it: once, at its newest sequence.
struct IndexedDocument {
    std::string id;
    // What derived data is made of: the winner's text with _id, _rev, _attachments stubs, _conflicts and
    // _deleted_conflicts. Empty: there is nothing to be derived from it (any more): it is deleted or purged.
    std::string text;
};

struct PageOptions {
    bool design_documents = false; // otherwise they are left out, and forgotten if they were indexed
    bool local_sequence = false;   // with _local_seq
    std::size_t documents_max = 500;
    std::size_t text_bytes_max = 16 << 20; // the page ends behind the document that goes beyond
};

struct DocumentPage {
    std::vector<IndexedDocument> documents; // one for each row of the feed
    kv::Sequence last;                      // a consumer that has taken the page stands here
    bool more = false;
};

// The documents behind `since`. Calls: one for the feed, and those of Database::texts(). A text may be newer
// than the change: then the document comes again.
[[nodiscard]] Result<DocumentPage> read_document_page(db::Database &database, kv::Sequence since,
                                                      const PageOptions &options);

// Documents as they are now, in that order, all of them. Of the options those of a page do not count.
[[nodiscard]] Result<std::vector<IndexedDocument>>
read_documents(db::Database &database, std::vector<std::string> ids, const PageOptions &options);

} // namespace divan::index
