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

// The path of a document behind its database's, encoded: "/_design/x".
[[nodiscard]] std::string document_path(std::string_view id);

// The generation of the newest ancestor on a path; nothing: none lies on it. What came with it need not be
// sent again.
[[nodiscard]] std::optional<std::uint64_t> newest_known(const doc::RevPath &path,
                                                        const std::vector<doc::RevId> &ancestors);

// Whether an attachment's bytes are to be sent along, and are not in the document.
[[nodiscard]] bool has_following(const Document &document);

} // namespace divan::replication
