#pragma once

// Which revisions `open_revs` and `_bulk_get` answer with.

#include "doc/rev_tree.h"

#include <optional>
#include <vector>

namespace divan::api {

struct SelectedRevisions {
    std::vector<doc::Leaf> found; // each once, in the order of the tree: by revision
    std::vector<doc::RevId> missing;
};

// All leaves if nothing is asked for; otherwise the revisions asked for, with `latest` the leaves that
// descend from them (couch_db:open_doc_revs).
[[nodiscard]] SelectedRevisions
select_revisions(const doc::RevTree &tree, const std::optional<std::vector<doc::RevId>> &asked, bool latest);

} // namespace divan::api
