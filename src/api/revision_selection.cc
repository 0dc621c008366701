#include "api/revision_selection.h"

#include <algorithm>

namespace divan::api {

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

} // namespace divan::api
