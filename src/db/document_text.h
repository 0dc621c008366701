#pragma once

// Revisions as JSON texts, as CouchDB writes them: what functions of design documents and clients see. Bodies
// are spliced as text; no I/O.

#include "db/types.h"

#include <string>
#include <string_view>

namespace divan::db {

// Appends `{"_id":...,"_rev":...`, the members of `json` (Body::json) and `_deleted`, without the closing
// brace; no `_rev` if there is no revision (generation 0).
void begin_document_text(std::string &out, std::string_view id, const doc::RevId &rev, std::string_view json,
                         bool deleted);
// Appends `,"_revisions":{...}`.
void append_revisions(std::string &out, const doc::RevPath &path);
// Appends `,"MEMBER":[revs]` of the leaves behind the first that are deleted, or are not; nothing if there
// are none. Returns whether there are.
bool append_other_leaves(std::string &out, std::string_view member, const std::vector<doc::Leaf> &leaves,
                         bool deleted);
// Appends `,"_attachments":{...}` with stubs, if there are attachments.
void append_attachment_stubs(std::string &out, const Body &body);

// The whole text of a revision, without other special members.
[[nodiscard]] std::string document_text(std::string_view id, const doc::RevId &rev, const Body &body,
                                        bool deleted);

// The digest member: "md5-<base64>".
[[nodiscard]] std::string attachment_digest(const StoredData &data);

} // namespace divan::db
