#include "db/edit_operation.h"

#include "base/bytes.h"
#include "crypto/digest.h"
#include "db/database_state.h"
#include "db/keys.h"

#include <algorithm>
#include <fmt/format.h>
#include <iterator>

namespace divan::db {
namespace {

Result<Body> resolve_stored(CommitGroup &group, const WorkingDocument &document, const Edit &edit,
                            std::uint64_t generation, std::uint64_t parent_body) {
    return resolve_body(edit, generation, [&] { return group.stored_body(document, parent_body); });
}

// The newest revision of a path that the tree has, as an index into the path.
std::optional<std::size_t> known_index(const doc::RevTree &tree, const doc::RevPath &path) {
    for (std::size_t i = 0; i < path.hashes.size(); ++i)
        if (tree.find({path.start - i, path.hashes[i]}))
            return i;
    return std::nullopt;
}

// Adds a path and notes the bodies of leaves that it puts revisions on top of: usually one, but a path that
// tells ancestors that were unknown joins roots.
void merge_path(WorkingDocument &document, const doc::RevPath &path, const doc::RevInfo &info) {
    std::vector<doc::RevId> leaves;
    for (std::size_t i = 1; i < path.hashes.size(); ++i)
        if (doc::RevId ancestor{path.start - i, path.hashes[i]}; document.tree.is_leaf(ancestor))
            leaves.push_back(std::move(ancestor));
    document.tree.merge(path, info);
    for (const auto &leaf : leaves)
        if (!document.tree.is_leaf(leaf))
            document.replaced_bodies.push_back(document.tree.find(leaf)->body);
}

// `rev` was put into the tree. A tombstone on top of the winner makes another branch the winner, which a
// later edit of the group may extend, too: then there is more than one branch to be written.
void note_extension(WorkingDocument &document, bool of_winner, const doc::RevId &rev) {
    document.only_extended_winner &= of_winner && document.tree.winner().rev == rev;
}

// Whether the edit can be applied only to the whole tree. One that is cut short, of one leaf, is enough for
// every interactive edit, and for a path that continues the leaf or is there already.
bool needs_whole_tree(const WorkingDocument &document, const Edit &edit) {
    if (document.tree_complete)
        return false;
    if (document.stored->leaf_count > 1)
        return true;
    if (!edit.path || edit.path->start == 0)
        return false;
    auto known = known_index(document.tree, *edit.path);
    return !known ||
           (*known > 0 && !document.tree.is_leaf({edit.path->start - *known, edit.path->hashes[*known]}));
}

Result<Written> apply_interactive(CommitGroup &group, WorkingDocument &document, const Edit &edit) {
    if (needs_whole_tree(document, edit)) {
        DIVAN_TRY_VOID(group.complete_tree(document));
    }
    if (edit.must_exist && !document.exists())
        return ErrorCode::not_found;
    if (edit.must_exist && document.tree.winner().info.deleted)
        return Error(ErrorCode::not_found, "deleted");
    std::optional<doc::RevId> parent;
    std::uint64_t parent_body = 0;
    std::uint64_t replaced_body = 0;
    bool parent_is_winner = true;
    if (document.exists()) {
        auto winner = document.tree.winner();
        if (!edit.parent) {
            // A deleted document is created anew on top of its tombstone.
            if (!winner.info.deleted || edit.deleted)
                return ErrorCode::conflict;
            parent = winner.rev;
        } else {
            auto info = document.tree.find(*edit.parent);
            if (!info || info->deleted || !document.tree.is_leaf(*edit.parent))
                return ErrorCode::conflict;
            parent = edit.parent;
            parent_body = info->body;
            parent_is_winner = winner.rev == *edit.parent;
        }
        replaced_body = document.tree.find(*parent)->body;
    } else if (edit.parent) {
        if (edit.parent->generation == 0 || edit.parent->hash.bytes().empty())
            return ErrorCode::conflict;
        // Of a document that is not here any revision is believed: it is the new one's ancestor.
        parent = edit.parent;
    }

    auto generation = parent ? parent->generation + 1 : 1;
    // On top of a tombstone that the client does not name attachments begin anew.
    auto resolved = resolve_stored(group, document, edit, edit.parent ? generation : 1, parent_body);
    if (!resolved.ok())
        return resolved.error();
    // What makes room always passes.
    if (!edit.deleted) {
        DIVAN_TRY_VOID(group.check_partition_size(document, *resolved, replaced_body));
    }
    if (document.exists())
        document.replaced_bodies.push_back(replaced_body);
    auto rev = revision_of(parent, edit.deleted, *resolved, edit.revision_salt);
    doc::RevPath path;
    path.start = generation;
    path.hashes.push_back(rev.hash);
    if (parent)
        path.hashes.push_back(parent->hash);
    document.sequence = group.next_sequence();
    document.tree.merge(path, {edit.deleted, document.sequence.value});
    document.new_bodies[document.sequence.value] = std::move(*resolved);
    note_extension(document, parent_is_winner, rev);
    document.changed = true;
    return Written{std::move(rev), true};
}

std::size_t size_of(const Edit &edit) {
    return edit.json.size() + edit.id.size();
}

bool has_stubs(const Edit &edit) {
    return std::any_of(edit.attachments.begin(), edit.attachments.end(),
                       [](const AttachmentEdit &attachment) { return !attachment.data; });
}

// The revision is there: the path may still tell ancestors that were unknown, and join two roots.
Result<Written> add_ancestors(CommitGroup &group, WorkingDocument &document, const doc::RevPath &path,
                              const doc::RevId &rev) {
    auto history = document.tree.history(rev);
    if (history->size() < path.hashes.size() && !document.tree_complete) {
        DIVAN_TRY_VOID(group.complete_tree(document));
        history = document.tree.history(rev);
    }
    if (history->size() >= path.hashes.size() || history->size() >= group.meta().revs_limit)
        return Written{rev, false};
    document.sequence = group.next_sequence();
    merge_path(document, path, history->front().info);
    document.only_extended_winner = false;
    document.changed = true;
    return Written{rev, true};
}

// The revision is known as an ancestor only: its body is kept like that of a replaced revision.
Result<Written> add_body(CommitGroup &group, WorkingDocument &document, const Edit &edit,
                         const doc::RevId &rev) {
    DIVAN_TRY_VOID(group.complete_tree(document));
    auto body = resolve_stored(group, document, edit, edit.path->start, 0);
    if (!body.ok())
        return Written{rev, false}; // it needs attachments that are not here; the revision is
    document.sequence = group.next_sequence();
    merge_path(document, *edit.path, {edit.deleted, document.sequence.value});
    document.new_bodies[document.sequence.value] = std::move(*body);
    document.replaced_bodies.push_back(document.sequence.value);
    document.only_extended_winner = false;
    document.changed = true;
    return Written{rev, true};
}

Result<Written> apply_replicated(CommitGroup &group, WorkingDocument &document, const Edit &edit) {
    const auto &path = *edit.path;
    doc::RevId rev{path.start, path.hashes.front()};
    if (path.start == 0)
        return Written{std::move(rev), false}; // no revision at all: CouchDB takes and forgets it
    if (needs_whole_tree(document, edit)) {
        DIVAN_TRY_VOID(group.complete_tree(document));
    }
    auto known = known_index(document.tree, path);
    if (known && *known == 0) {
        bool bodiless = document.tree.find(rev)->body == 0;
        return bodiless ? add_body(group, document, edit, rev) : add_ancestors(group, document, path, rev);
    }

    std::optional<doc::Leaf> extended;
    std::uint64_t ancestor_body = 0;
    if (known) {
        doc::RevId ancestor{path.start - *known, path.hashes[*known]};
        auto info = *document.tree.find(ancestor);
        ancestor_body = info.body;
        if (document.tree.is_leaf(ancestor))
            extended = doc::Leaf{ancestor, info};
    }
    bool extends_winner = !document.exists() || (extended && document.tree.winner().rev == extended->rev);
    DIVAN_TRY(auto body, resolve_stored(group, document, edit, path.start, ancestor_body));
    document.sequence = group.next_sequence();
    // In a tree that is cut short the path's older revisions are unknown, but they lie in rows.
    auto added = path;
    if (known && !document.tree_complete)
        added.hashes.resize(*known + 1);
    merge_path(document, added, {edit.deleted, document.sequence.value});
    document.new_bodies[document.sequence.value] = std::move(body);
    note_extension(document, extends_winner, rev);
    document.changed = true;
    return Written{std::move(rev), true};
}

ReplacedState replaced_by_path(const doc::RevTree &tree, const doc::RevPath &path) {
    if (path.start == 0)
        return {};
    auto known = known_index(tree, path);
    if (!known)
        return {true, std::nullopt};
    doc::RevId newest{path.start - *known, path.hashes[*known]};
    if (*known == 0 && tree.find(newest)->body != 0)
        return {};
    auto history = tree.history(newest);
    for (const auto &node : *history)
        if (node.info.body != 0)
            return {true, node.rev};
    return {true, std::nullopt};
}

// Whether the path's revision is known as an ancestor only.
bool lacks_body(const doc::RevTree &tree, const doc::RevPath &path) {
    auto info = path.start > 0 ? tree.find({path.start, path.hashes.front()}) : std::nullopt;
    return info && info->body == 0;
}

// Whether a stub stands for this attachment of the revision before it.
bool is_meant(const AttachmentEdit &stub, const Attachment &attachment, bool replicated) {
    if (replicated)
        return stub.md5.empty() || stub.md5 == attachment.data.md5;
    return !stub.revpos || *stub.revpos == attachment.revpos;
}

// The revision that an accepted edit descends from, as far as it is known.
std::optional<doc::RevId> replaced_revision(CommitGroup &group, const Edit &edit, const doc::RevId &rev) {
    if (edit.path)
        return edit.path->hashes.size() > 1
                   ? std::optional(doc::RevId{edit.path->start - 1, edit.path->hashes[1]})
                   : std::nullopt;
    if (edit.parent || rev.generation == 1)
        return edit.parent;
    // On top of a tombstone that the client did not name.
    auto history = group.document(edit.id).tree.history(rev);
    return history && history->size() > 1 ? std::optional((*history)[1].rev) : std::nullopt;
}

} // namespace

ReplacedState replaced_by(const doc::RevTree &tree, const Edit &edit) {
    if (edit.path)
        return replaced_by_path(tree, *edit.path);
    if (tree.empty())
        return {!edit.must_exist, std::nullopt};
    auto winner = tree.winner();
    if (edit.must_exist && winner.info.deleted)
        return {};
    if (!edit.parent)
        return {winner.info.deleted && !edit.deleted, std::nullopt};
    auto info = tree.find(*edit.parent);
    if (!info || info->deleted || !tree.is_leaf(*edit.parent))
        return {};
    return {true, edit.parent};
}

Result<Body> resolve_body(const Edit &edit, std::uint64_t generation, const ParentBody &parent_body) {
    Body body;
    body.json = edit.json;
    std::optional<Body> parent;
    for (const auto &wanted : edit.attachments) {
        Attachment attachment;
        attachment.name = wanted.name;
        if (wanted.data) {
            attachment.content_type = wanted.content_type;
            attachment.data = *wanted.data;
            attachment.revpos = edit.path ? wanted.revpos.value_or(0) : generation;
            body.attachments.push_back(std::move(attachment));
            continue;
        }
        if (!parent) {
            DIVAN_TRY(auto stored, parent_body());
            parent = stored ? std::move(*stored) : Body();
        }
        auto found = std::find_if(parent->attachments.begin(), parent->attachments.end(),
                                  [&](const Attachment &a) { return a.name == wanted.name; });
        if (found == parent->attachments.end() || !is_meant(wanted, *found, edit.path.has_value()))
            return Error(ErrorCode::missing_stub,
                         fmt::format("Invalid attachment stub in {} for {}", edit.id, wanted.name));
        attachment = *found;
        if (edit.path && wanted.revpos)
            attachment.revpos = *wanted.revpos;
        body.attachments.push_back(std::move(attachment));
    }
    return body;
}

doc::RevId revision_of(const std::optional<doc::RevId> &parent, bool deleted, const Body &body,
                       std::string_view salt) {
    std::string content;
    content.reserve(body.json.size() + 64);
    append_u8(content, deleted ? 1 : 0);
    append_varint(content, parent ? parent->generation : 0);
    append_sized(content, parent ? parent->hash.bytes() : std::string_view());
    append_varint(content, body.attachments.size());
    for (const auto &attachment : body.attachments) {
        append_sized(content, attachment.name);
        append_sized(content, attachment.content_type);
        append_sized(content, attachment.data.md5);
    }
    content.append(body.json).append(salt);
    return {parent ? parent->generation + 1 : 1, doc::RevHash::from_bytes(crypto::md5(content))};
}

std::vector<std::unique_ptr<Operation>> make_edit_operations(std::vector<Edit> edits,
                                                             std::shared_ptr<const WriteContext> author,
                                                             std::shared_ptr<ExpectedStates> expected,
                                                             std::size_t edits_max, std::size_t bytes_max,
                                                             Database::WriteDone done) {
    // A stub that names no attachment undoes its whole write: one group.
    bool divisible = std::none_of(edits.begin(), edits.end(), has_stubs);
    std::vector<std::vector<Edit>> parts;
    std::size_t bytes = 0;
    for (auto &edit : edits) {
        auto edit_bytes = size_of(edit);
        bool full = !parts.empty() && (parts.back().size() >= edits_max || bytes + edit_bytes > bytes_max);
        if (parts.empty() || (divisible && full)) {
            parts.emplace_back();
            bytes = 0;
        }
        bytes += edit_bytes;
        parts.back().push_back(std::move(edit));
    }
    std::vector<std::unique_ptr<Operation>> operations;
    if (parts.size() <= 1) {
        operations.push_back(
            std::make_unique<EditOperation>(parts.empty() ? std::vector<Edit>() : std::move(parts.front()),
                                            std::move(author), std::move(expected), 0, std::move(done)));
        return operations;
    }
    // Shared by the parts. A database runs one group at a time and in the order of its queue, so the
    // parts answer one after the other: no lock.
    struct Joined {
        std::size_t waiting;
        std::vector<Result<Written>> answers;
        Database::WriteDone done;
    };
    auto joined = std::make_shared<Joined>(parts.size(), std::vector<Result<Written>>(), std::move(done));
    std::size_t first = 0;
    for (auto &part : parts) {
        auto next = first + part.size();
        operations.push_back(std::make_unique<EditOperation>(
            std::move(part), author, expected, first, [joined](std::vector<Result<Written>> answers) {
                std::move(answers.begin(), answers.end(), std::back_inserter(joined->answers));
                if (--joined->waiting == 0)
                    joined->done(std::move(joined->answers));
            }));
        first = next;
    }
    return operations;
}

EditOperation::EditOperation(std::vector<Edit> edits, std::shared_ptr<const WriteContext> author,
                             std::shared_ptr<ExpectedStates> expected, std::size_t first,
                             Database::WriteDone done)
    : edits_(std::move(edits)), author_(std::move(author)), expected_(std::move(expected)), first_(first),
      done_(std::move(done)) {
    for (const auto &edit : edits_)
        bytes_ += size_of(edit);
}

void EditOperation::collect(std::vector<std::string> &ids) const {
    for (const auto &edit : edits_)
        ids.push_back(edit.id);
}

void EditOperation::foresee(CommitGroup &group) const {
    for (const auto &edit : edits_) {
        auto &document = group.document(edit.id);
        document.tree_wanted |= needs_whole_tree(document, edit);
    }
}

std::uint32_t EditOperation::edit_count() const {
    return static_cast<std::uint32_t>(edits_.size());
}

Result<Written> EditOperation::apply_edit(CommitGroup &group, std::size_t index) {
    const auto &edit = edits_[index];
    auto &document = group.document(edit.id);
    if (expected_ && expected_->judged[first_ + index]) {
        if (needs_whole_tree(document, edit) || (edit.path && lacks_body(document.tree, *edit.path))) {
            DIVAN_TRY_VOID(group.complete_tree(document));
        }
        bool stale = expected_->design_version != group.database().design_version ||
                     replaced_by(document.tree, edit) != expected_->replaced[first_ + index];
        expected_->stale[first_ + index] = stale;
        if (stale)
            return ErrorCode::conflict;
    }
    return edit.path ? apply_replicated(group, document, edit) : apply_interactive(group, document, edit);
}

Result<void> EditOperation::apply(CommitGroup &group) {
    results_.clear();
    results_.reserve(edits_.size());
    std::unordered_map<std::string, WorkingDocument> before;
    if (std::any_of(edits_.begin(), edits_.end(), has_stubs))
        for (const auto &edit : edits_)
            before.emplace(edit.id, group.document(edit.id));
    for (std::size_t i = 0; i < edits_.size(); ++i) {
        results_.push_back(apply_edit(group, i));
        if (results_.back().ok() || results_.back().error().code() != ErrorCode::missing_stub)
            continue;
        // A stub that names no attachment fails the whole write, and nothing of it is done.
        for (auto &[id, untouched] : before)
            group.document(id) = std::move(untouched);
        return results_.back().error();
    }
    if (author_)
        audit(group);
    return {};
}

void EditOperation::audit(CommitGroup &group) const {
    const auto &database = group.database();
    AuditedWrite write{author_, {}};
    for (std::size_t i = 0; i < edits_.size(); ++i) {
        const auto &edit = edits_[i];
        if (!results_[i].ok() || !results_[i]->changed ||
            !database.context.audit->records(database.name, edit.id))
            continue;
        const auto &rev = results_[i]->rev;
        write.edits.push_back({edit.id, &rev, replaced_revision(group, edit, rev), edit.deleted});
    }
    if (!write.edits.empty())
        group.audit(std::move(write));
}

void EditOperation::answer(const Result<void> &outcome) {
    if (!outcome.ok())
        results_.assign(edits_.size(), Result<Written>(outcome.error()));
    done_(std::move(results_));
}

} // namespace divan::db
