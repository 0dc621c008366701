// What a handle with a Visibility shows.

#include "base/bytes.h"
#include "db/database_state.h"
#include "db/visibility.h"
#include "doc/document_id.h"

#include <algorithm>
#include <array>

namespace divan::db {

bool Database::hides_documents() const {
    return visibility_ != nullptr && visibility_->hides_documents();
}

bool Database::hides_fields() const {
    return visibility_ != nullptr && visibility_->hides_fields();
}

HeadParts Database::parts_to_judge(HeadParts parts) const {
    parts.bodies |= hides_documents();
    return parts;
}

Result<bool> Database::shows(Head &head) {
    if (visibility_ == nullptr || doc::is_design_id(head.id))
        return true;
    DIVAN_TRY(bool shown, judges(head));
    if (shown && head.body)
        put_shown_text(head.id, head.deleted, *head.body);
    head.is_as_shown = true;
    return shown;
}

// By the winner; a deleted one by the revision before it, since tombstones say nothing of what was there.
Result<bool> Database::judges(Head &head) {
    if (!visibility_->hides_documents())
        return true;
    if (head.deleted && head.recent.size() > 1) {
        const auto &before = head.recent[1];
        DIVAN_TRY(auto body, stored_body(head, before.rev, before.info));
        if (body)
            return !before.info.deleted && visibility_->shows(head.id, body->json);
    }
    if (!head.body && !head.deleted)
        return judges_elsewhere(head);
    if (!head.body) {
        DIVAN_TRY(head.body, stored_body(head, head.rev, head.recent.front().info));
    }
    // A tombstone that is all there is shows itself, if it has something to say.
    return head.body && !(head.deleted && head.body->json == "{}") &&
           visibility_->shows(head.id, head.body->json);
}

std::optional<bool> Database::verdict(const Head &head) const {
    return state_->verdicts.find(visibility_->digest(), {&head.sequence, 1}).front();
}

// A body that lies in rows of its own is read once: that it is hidden takes no longer to say than that a
// document is missing, afterwards.
Result<bool> Database::judges_elsewhere(Head &head) {
    if (auto known = verdict(head))
        return *known;
    DIVAN_TRY(head.body, stored_body(head, head.rev, head.recent.front().info));
    // Written meanwhile: nothing was decided of this state.
    if (!head.body)
        return false;
    bool shown = visibility_->shows(head.id, head.body->json);
    state_->verdicts.keep(visibility_->digest(), std::array{Verdicts::Verdict{head.sequence, shown}},
                          state_->context.options()->shown_verdicts_bytes_max);
    return shown;
}

void Database::put_shown_text(std::string_view id, bool deleted, Body &body) const {
    if (auto text = visibility_->shown_text(id, body.json, deleted))
        body.json = std::move(*text);
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
    if (!hides_documents() || doc::is_design_id(head.id))
        return {};
    auto leaves = tree.leaves();
    if (leaves.size() < 2)
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

// Those of which it is not known yet are read and judged; where there are several leaves, to see which of
// them are shown.
Result<void> Database::drop_hidden(std::vector<Change> &changes) {
    if (!hides_documents())
        return {};
    std::vector<kv::Sequence> sequences;
    sequences.reserve(changes.size());
    for (const auto &change : changes)
        sequences.push_back(change.sequence);
    auto verdicts = state_->verdicts.find(visibility_->digest(), sequences);
    std::vector<std::string> ids;
    for (std::size_t i = 0; i < changes.size(); ++i)
        if (!verdicts[i] || (*verdicts[i] && changes[i].leaves.size() > 1))
            ids.push_back(changes[i].id);
    DIVAN_TRY(auto heads, this->heads(ids));
    std::size_t kept = 0;
    std::vector<Verdicts::Verdict> decided;
    auto head = heads.begin();
    for (std::size_t i = 0; i < changes.size(); ++i) {
        auto &change = changes[i];
        bool read = !verdicts[i] || (*verdicts[i] && change.leaves.size() > 1);
        bool shown = verdicts[i].value_or(false);
        if (read) {
            auto &found = *head++;
            // One that was written since its row was read comes with a later row, or not at all.
            if (found && found->sequence != change.sequence)
                continue;
            shown = found.has_value();
            decided.push_back({change.sequence, shown});
            if (shown && change.leaves.size() > 1) {
                DIVAN_TRY(auto leaves, tree(*found));
                change.leaves = leaves.leaves();
            }
        }
        if (!shown)
            continue;
        if (kept != i)
            changes[kept] = std::move(change);
        ++kept;
    }
    changes.resize(kept);
    if (!decided.empty())
        state_->verdicts.keep(visibility_->digest(), decided,
                              state_->context.options()->shown_verdicts_bytes_max);
    return {};
}

Result<Database::Counts> Database::shown_counts() {
    // Before the documents are read: they are as new as that, or newer.
    DIVAN_TRY(auto last, last_sequence());
    const auto &digest = visibility_->digest();
    {
        std::lock_guard lock(state_->shown_counts_mutex);
        auto known = state_->shown_counts.find(digest);
        if (known != state_->shown_counts.end() && known->second.sequence == last)
            return known->second.counts;
    }
    DIVAN_TRY(auto counts, count_shown({}, std::nullopt));
    std::lock_guard lock(state_->shown_counts_mutex);
    if (state_->shown_counts.size() >= state_->context.options()->shown_counts_max)
        state_->shown_counts.clear();
    state_->shown_counts[digest] = {last, counts};
    return counts;
}

// Reads all of them.
Result<Database::Counts> Database::count_shown(const std::string &begin,
                                               const std::optional<std::string> &end) {
    Counts counts{};
    DocumentScan scan;
    scan.begin = begin;
    scan.end = end;
    scan.text.plain_members = true;
    auto visit = [&](std::string_view id, std::string_view) {
        ++counts.documents;
        counts.design_documents += doc::is_design_id(id) ? 1 : 0;
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
    if (!hides_documents())
        return {};
    return Error(ErrorCode::forbidden,
                 std::string(what) + " of this database are not for users under document rules.");
}

} // namespace divan::db
