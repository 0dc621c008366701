#pragma once

// Documents as clients send them: special members apart, the body as canonical text.

#include "config/config.h"
#include "db/types.h"
#include "wire/attachment_sink.h"
#include "json/value.h"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace divan::wire {

// A member of `_attachments`.
struct AttachmentInput {
    std::string name;
    std::string content_type = "application/octet-stream";
    std::optional<std::uint64_t> revpos;
    std::optional<std::string> data;             // decoded
    std::optional<std::uint64_t> length;         // of the bytes that follow, as they are sent
    std::optional<std::uint64_t> content_length; // decoded, as the member says
    std::string digest; // as the member says; of a stub compared with what it would stand for
    bool follows = false;
    bool gzip = false;
    // Neither data nor follows: a stub.
};

struct DocumentInput {
    std::optional<std::string> id;
    std::optional<doc::RevId> rev;    // `_rev`, or the newest of `_revisions`
    std::optional<doc::RevPath> path; // `_revisions`
    bool deleted = false;
    std::string json = "{}";
    std::vector<AttachmentInput> attachments;
};

// Reads a document. `value` was parsed so that the document's members are Raw (raw_depth behind its own
// depth). Errors: as couch_doc:from_json_obj_validate (bad_request, doc_validation, illegal_docid, ...).
[[nodiscard]] Result<DocumentInput> read_document(const json::Value &value);

// Errors: bad_request "Attachment name ..." as CouchDB.
[[nodiscard]] Result<void> check_attachment_name(std::string_view name);

// What prepare_document() refuses, without preparing: document_too_large, db::Database::check_id(), and
// bad_request for a replicated document that names no revision. REQUIRES: `id` is set
[[nodiscard]] Result<void> check_document(const config::Config &config, const db::Database &database,
                                          const DocumentInput &input, bool replicated);

// A document on its way into a commit; keeps its uploads alive.
struct PreparedDocument {
    db::Edit edit;
    std::vector<std::unique_ptr<AttachmentSink>> sinks;
};

// Makes an edit of `input` (whose id is set), storing inline attachments; `replicated` is new_edits=false.
// Attachments that follow are left as stubs. Errors: those of check_document(), the engine's.
// Blocks on the engine if there are inline attachments.
[[nodiscard]] Result<PreparedDocument> prepare_document(const config::Config &config, db::Database &database,
                                                        DocumentInput input, bool replicated);

} // namespace divan::wire
