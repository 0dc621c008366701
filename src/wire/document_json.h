#pragma once

// Documents as CouchDB writes them. Bodies are spliced as text.

#include "db/database.h"

#include <optional>
#include <string>
#include <vector>

namespace divan::wire {

struct DocumentOptions {
    bool revs = false;
    bool revs_info = false;
    bool conflicts = false;
    bool deleted_conflicts = false;
    bool local_seq = false;
    bool attachments = false; // attachment data inline, as base64
    bool follows = false;     // attachment data follows in a multipart body
    bool encoding_info = false;
    // Only attachments that came after these revisions carry data.
    std::optional<std::vector<doc::RevId>> atts_since;

    // Whether the answer needs nothing but the revision's body.
    [[nodiscard]] bool plain() const {
        return !revs && !revs_info && !conflicts && !deleted_conflicts && !local_seq && !attachments &&
               !follows && !encoding_info && !atts_since;
    }
};

// The winner's text from its head alone. REQUIRES: head.body
[[nodiscard]] std::string plain_document_json(const db::Head &head, const db::Body &body);

// A revision as it is written, and the attachments whose data follows.
struct WrittenDocument {
    std::string json;
    std::vector<db::Attachment> following;
    // The answer has meta members that depend on more than the revision: it gets no ETag.
    bool has_meta = false;
};

// Errors: not_found "missing" if the body is not stored. Blocks on the engine.
[[nodiscard]] Result<WrittenDocument> write_document(db::Database &database, const db::Head &head,
                                                     const doc::RevTree &tree, const doc::Leaf &revision,
                                                     const DocumentOptions &options);

// Appends the winner; `head` and its tree are best read with HeadParts. Errors and blocking: as
// write_document().
[[nodiscard]] Result<void> append_winner(std::string &out, db::Database &database, const db::Head &head,
                                         const DocumentOptions &options);

// All bytes of an attachment, decoded. Blocks on the engine.
[[nodiscard]] Result<std::string> read_attachment(db::Database &database, const db::StoredData &data);

} // namespace divan::wire
