#pragma once

// Which revisions requests are answered with.

#include "db/database.h"
#include "doc/rev_tree.h"

#include <optional>
#include <string>
#include <vector>

namespace divan::wire {

struct SelectedRevisions {
    std::vector<doc::Leaf> found; // each once, in the order of the tree: by revision
    std::vector<doc::RevId> missing;
};

// All leaves if nothing is asked for; otherwise the revisions asked for, with `latest` the leaves that
// descend from them (couch_db:open_doc_revs).
[[nodiscard]] SelectedRevisions
select_revisions(const doc::RevTree &tree, const std::optional<std::vector<doc::RevId>> &asked, bool latest);

// The body of a revision of a document, or of its winner. Errors: not_found, "missing" or "deleted".
// Blocks on the engine.
[[nodiscard]] Result<db::Body> read_revision(db::Database &database, const std::string &id,
                                             const std::optional<doc::RevId> &rev);

} // namespace divan::wire
