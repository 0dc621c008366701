#pragma once

// Documents as functions of design documents get them (couch_query_servers:json_doc).

#include "db/types.h"

#include <string>
#include <string_view>
#include <vector>

namespace divan::design {

// JSON text with `_id`, `_rev`, `_deleted`, `_revisions` of the newest 20 revisions and stubs of attachments.
// `path` is that of the revision; `leaves` adds `_conflicts` (winner first; empty: none).
[[nodiscard]] std::string function_document(std::string_view id, doc::RevPath path, bool deleted,
                                            const db::Body &body, const std::vector<doc::Leaf> &leaves = {});

} // namespace divan::design
