#include "wire/revision_selection.h"

#include <algorithm>

namespace divan::wire {

SelectedRevisions select_revisions(const doc::RevTree &tree,
                                   const std::optional<std::vector<doc::RevId>> &asked, bool latest) {
    SelectedRevisions selected;
    auto &found = selected.found;
    if (!asked)
        found = tree.leaves();
    for (const auto &rev : asked.value_or(std::vector<doc::RevId>())) {
        auto info = tree.find(rev);
        if (!info) {
            if (std::find(selected.missing.begin(), selected.missing.end(), rev) == selected.missing.end())
                selected.missing.push_back(rev);
        } else if (latest) {
            auto leaves = tree.leaves_from(rev);
            found.insert(found.end(), leaves.begin(), leaves.end());
        } else {
            found.push_back({rev, *info});
        }
    }
    std::sort(found.begin(), found.end(), [](const auto &a, const auto &b) { return a.rev < b.rev; });
    found.erase(std::unique(found.begin(), found.end()), found.end());
    return selected;
}

Result<db::Body> read_revision(db::Database &database, const std::string &id,
                               const std::optional<doc::RevId> &rev) {
    DIVAN_TRY(auto head, database.head(id));
    if (!head)
        return ErrorCode::not_found;
    DIVAN_TRY(auto tree, database.tree(*head));
    auto leaf = tree.winner();
    if (rev) {
        auto info = tree.find(*rev);
        if (!info)
            return ErrorCode::not_found;
        leaf = {*rev, *info};
    } else if (leaf.info.deleted) {
        return Error(ErrorCode::not_found, "deleted");
    }
    DIVAN_TRY(auto body, database.body(*head, leaf.rev, leaf.info));
    if (!body)
        return ErrorCode::not_found;
    return std::move(*body);
}

} // namespace divan::wire
