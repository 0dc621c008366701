#pragma once

// Documents on the wire: their JSON in both directions.

#include "replication/peer.h"

#include <string>
#include <string_view>

namespace divan::replication {

// With `_revisions`, and attachments as stubs, data or `follows`.
[[nodiscard]] std::string document_json(const Document &document);

// A document that a source sent. Errors: bad_request if it names no revision, no id, or is none at all.
// REQUIRES: `value` was parsed so that the members of the document are Raw.
[[nodiscard]] Result<Document> read_source_document(const json::Value &value);

// Whether an attachment's bytes are to be sent along, and are not in the document.
[[nodiscard]] bool has_following(const Document &document);

} // namespace divan::replication
