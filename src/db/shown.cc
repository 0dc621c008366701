// What a handle with a Visibility shows.

#include "base/bytes.h"
#include "db/database_state.h"
#include "db/visibility.h"

#include <algorithm>

namespace divan::db {
namespace {

constexpr std::string_view kDesignPrefix = "_design/";

} // namespace

HeadParts Database::parts_to_judge(HeadParts parts) const {
    parts.bodies |= visibility_ != nullptr;
    return parts;
}

// By the winner; a deleted one by the revision before it, since tombstones say nothing of what was there.
Result<bool> Database::shows(Head &head) {
    if (visibility_ == nullptr || head.id.starts_with(kDesignPrefix))
        return true;
    const auto &winner = head.recent.front();
    if (head.deleted && head.recent.size() > 1) {
        const auto &before = head.recent[1];
        DIVAN_TRY(auto body, stored_body(head, before.rev, before.info));
        if (body)
            return !before.info.deleted && visibility_->shows(head.id, body->json);
    }
    if (!head.body) {
        DIVAN_TRY(head.body, stored_body(head, head.rev, winner.info));
    }
    // A tombstone that is all there is shows itself, if it has something to say.
    return head.body && !(head.deleted && head.body->json == "{}") &&
           visibility_->shows(head.id, head.body->json);
}

Result<void> Database::drop_hidden(std::vector<std::optional<Head>> &heads) {
    if (visibility_ == nullptr)
        return {};
    for (auto &head : heads)
        if (head) {
            DIVAN_TRY(bool shown, shows(*head));
            if (!shown)
                head.reset();
        }
    return {};
}

Result<void> Database::drop_hidden(std::vector<Head> &heads) {
    if (visibility_ == nullptr)
        return {};
    std::vector<Head> kept;
    for (auto &head : heads) {
        DIVAN_TRY(bool shown, shows(head));
        if (shown)
            kept.push_back(std::move(head));
    }
    heads = std::move(kept);
    return {};
}

// The branches that are not shown are not there.
Result<void> Database::drop_hidden(const Head &head, doc::RevTree &tree) {
    auto leaves = tree.leaves();
    if (visibility_ == nullptr || leaves.size() < 2 || head.id.starts_with(kDesignPrefix))
        return {};
    std::vector<doc::RevId> hidden;
    for (const auto &leaf : leaves) {
        auto judged = leaf;
        if (auto history = tree.history(leaf.rev); leaf.info.deleted && history && history->size() > 1)
            judged = (*history)[1];
        DIVAN_TRY(auto body, stored_body(head, judged.rev, judged.info));
        if (!body || judged.info.deleted || !visibility_->shows(head.id, body->json))
            hidden.push_back(leaf.rev);
    }
    std::vector<std::uint64_t> bodies;
    // Of a document that is shown the winner is, whatever its tombstone says.
    std::erase(hidden, head.rev);
    tree.purge(hidden, bodies);
    return {};
}

// A document that was written since its row was read comes with a later row, or not at all.
Result<void> Database::drop_hidden(std::vector<Change> &changes) {
    if (visibility_ == nullptr)
        return {};
    std::vector<std::string> ids;
    for (const auto &change : changes)
        ids.push_back(change.id);
    DIVAN_TRY(auto heads, this->heads(ids));
    std::vector<Change> kept;
    for (std::size_t i = 0; i < changes.size(); ++i) {
        auto &change = changes[i];
        if (!heads[i] || heads[i]->sequence != change.sequence)
            continue;
        if (change.leaves.size() > 1) {
            DIVAN_TRY(auto shown, tree(*heads[i]));
            change.leaves = shown.leaves();
        }
        kept.push_back(std::move(change));
    }
    changes = std::move(kept);
    return {};
}

// Reads all of them: nothing is kept that would tell without.
Result<Database::Counts> Database::shown_counts(const std::string &begin,
                                                const std::optional<std::string> &end) {
    Counts counts{};
    DocumentScan scan;
    scan.begin = begin;
    scan.end = end;
    scan.text.plain_members = true;
    auto visit = [&](std::string_view id, std::string_view) {
        ++counts.documents;
        counts.design_documents += id.starts_with(kDesignPrefix) ? 1 : 0;
        return true;
    };
    for (bool more = true; more;) {
        DIVAN_TRY(auto reached, scan_documents(scan, visit));
        more = !reached.exhausted;
        scan.begin = reached.last_id + '\0';
    }
    return counts;
}

Result<void> Database::check_shows_all(std::string_view what) const {
    if (visibility_ == nullptr)
        return {};
    return Error(ErrorCode::forbidden,
                 std::string(what) + " of this database are not for users under document rules.");
}

} // namespace divan::db
