#include "db/commit_group.h"

#include "base/bytes.h"
#include "db/database_state.h"
#include "db/keys.h"
#include "db/tree_rows.h"
#include "doc/document_id.h"

#include <algorithm>

namespace divan::db {
namespace {

std::int64_t signed_bytes(std::uint64_t bytes) {
    return static_cast<std::int64_t>(bytes);
}

void collect_attachments(const Body &body, std::vector<AttachmentId> &ids) {
    for (const auto &attachment : body.attachments)
        ids.push_back(attachment.data.id);
}

} // namespace

Result<void> CommitGroup::flush() {
    for (const auto &id : order_) {
        auto &document = documents_.at(id);
        documents_changed_ |= document.changed;
        design_changed_ |= (document.changed || document.erased) && doc::is_design_id(id);
        if (document.erased) {
            DIVAN_TRY_VOID(flush_erased(document));
            continue;
        }
        if (document.changed) {
            DIVAN_TRY_VOID(flush_document(document));
        }
        if (!document.removed_bodies.empty()) {
            DIVAN_TRY_VOID(flush_removed_bodies(document));
        }
    }
    for (const auto &[block, delta] : change_counts_)
        if (delta != 0)
            batch_.add(kv::Table::sequences, keys::change_count(block.first, block.second),
                       std::span(&delta, 1));
    add_counts(std::string(keys::kCounters), counts_);
    for (const auto &[partition, counts] : partition_counts_)
        add_counts(keys::partition_counters(partition), counts);
    if (sequences_used_ > 0) {
        note_run();
        mark_time();
    }
    if (meta_changed_)
        batch_.put(kv::Table::documents, std::string(keys::kMeta), format::encode_meta(meta_));
    return {};
}

void CommitGroup::add_counts(std::string key, const std::vector<std::int64_t> &counts) {
    if (std::any_of(counts.begin(), counts.end(), [](auto delta) { return delta != 0; }))
        batch_.add(kv::Table::documents, std::move(key), counts);
}

Result<void> CommitGroup::flush_document(WorkingDocument &document) {
    format::StoredHead head;
    head.sequence = document.sequence;
    if (document.document_number == 0)
        document.document_number = document.sequence.value;
    head.document_number = document.document_number;
    DIVAN_TRY_VOID(flush_tree(document, head));
    auto leaves = document.tree.leaves();
    head.leaf_count = leaves.size();
    DIVAN_TRY_VOID(flush_bodies(document, head));

    bool deleted = leaves.front().info.deleted;
    Change change{document.sequence, document.id, deleted, std::move(leaves)};
    batch_.put(kv::Table::sequences, keys::sequence(document.sequence.value), format::encode_change(change));
    move_change(document.stored ? document.stored->sequence : kv::Sequence(), document.sequence);

    std::int64_t was_live = document.stored && !document.stored->recent.front().info.deleted ? 1 : 0;
    std::int64_t was_deleted = document.stored && document.stored->recent.front().info.deleted ? 1 : 0;
    std::int64_t is_live = deleted ? 0 : 1;
    count(document, Counter::documents, is_live - was_live);
    count(document, Counter::deleted, (1 - is_live) - was_deleted);
    if (doc::is_design_id(document.id))
        count(document, Counter::design_documents, is_live - was_live);
    count(document, Counter::external_bytes,
          signed_bytes(head.external_bytes) -
              (document.stored ? signed_bytes(document.stored->external_bytes) : 0));
    DIVAN_CHECK(document.id.size() <= keys::kNameBytesMax);
    batch_.put(kv::Table::documents, keys::head(document.id), format::encode_head(head));
    return {};
}

// Decides where the revisions lie; see tree_rows.h.
Result<void> CommitGroup::flush_tree(WorkingDocument &document, format::StoredHead &head) {
    if (document.stored && document.stored->has_tree) {
        head.has_tree = true;
        head.tree_bytes = document.stored->tree_bytes;
        head.first_part = document.stored->first_part;
        head.part_count = document.stored->part_count;
    }
    if (document.tree_complete)
        document.tree.stem(meta_.revs_limit);
    if (auto above = history_above_rows(document)) {
        head.recent = std::move(*above);
        if (move_to_part(document, head))
            return {};
    }
    DIVAN_TRY_VOID(complete_tree(document));
    document.tree.stem(meta_.revs_limit);
    erase_tree(batch_, stored_tree(head));
    head.first_part += head.part_count;
    head.part_count = 0;
    head.tree_bytes = 0;
    head.recent = *document.tree.history(document.tree.winner().rev);
    head.has_tree = head.recent.size() != document.tree.node_count() || head.recent.size() > kRecentMax;
    if (!head.has_tree)
        return {};
    auto payload = document.tree.encode();
    format::put_chunks(batch_, keys::tree(document.document_number), document.id, payload);
    head.recent.resize(std::min(head.recent.size(), kRecentKept));
    head.tree_bytes = payload.size();
    return {};
}

// The winner's history down to what lies in rows, if those stay true and it is not too long for a part.
std::optional<std::vector<doc::Leaf>> CommitGroup::history_above_rows(const WorkingDocument &document) {
    auto history = *document.tree.history(document.tree.winner().rev);
    if (document.tree_complete) {
        if (document.stored && document.stored->has_tree) {
            // A tombstone on top of the winner makes another branch the winner.
            const auto &old_winner = document.stored->recent.front().rev;
            auto added = history.front().rev.generation - old_winner.generation;
            auto kept = document.stored->recent.size() + added;
            bool descends = added < history.size() && history[added].rev == old_winner;
            if (!document.only_extended_winner || !descends || kept > history.size())
                return std::nullopt;
            history.resize(kept);
        } else if (history.size() != document.tree.node_count()) {
            return std::nullopt;
        }
    }
    if (history.size() > kRecentKept + kPartRevisionsMax)
        return std::nullopt;
    return history;
}

// Moves all but the newest revisions to a part if they are too many for a head. false: there are too many
// parts, and the whole tree must be written.
bool CommitGroup::move_to_part(const WorkingDocument &document, format::StoredHead &head) {
    auto &recent = head.recent;
    if (recent.size() <= kRecentMax)
        return true;
    batch_.put(kv::Table::documents,
               keys::tree_part(document.document_number, head.first_part + head.part_count),
               format::encode_history(std::span(recent).subspan(kRecentKept)));
    recent.resize(kRecentKept);
    ++head.part_count;
    head.has_tree = true;
    // What lies deeper than the limit of revisions is needed by no other leaf, if there is none.
    bool one_leaf =
        document.tree_complete ? document.tree.leaves().size() == 1 : document.stored->leaf_count == 1;
    auto parts_are_enough = [&](std::uint64_t count) {
        return kRecentKept + count * kPartRevisionsMin >= meta_.revs_limit;
    };
    if (one_leaf && head.tree_bytes > 0 && parts_are_enough(head.part_count)) {
        format::erase_chunks(batch_, keys::tree(document.document_number), head.tree_bytes);
        head.tree_bytes = 0;
    }
    while (one_leaf && head.part_count > 1 && parts_are_enough(head.part_count - 1)) {
        batch_.erase(kv::Table::documents, keys::tree_part(document.document_number, head.first_part));
        ++head.first_part;
        --head.part_count;
    }
    return head.part_count <= kPartsMax;
}

Result<void> CommitGroup::flush_bodies(WorkingDocument &document, format::StoredHead &head) {
    auto winner_body = head.recent.front().info.body;
    auto inline_bytes_max = database_.context.options()->inline_body_bytes_max;
    bool winner_known = false;
    for (const auto &[number, body] : document.new_bodies) {
        auto payload = format::encode_body(body);
        // The upload's mark goes with the commit that names it.
        for (const auto &attachment : body.attachments)
            if (attachment.data.stored_bytes > 0)
                batch_.erase(kv::Table::documents, keys::pending_upload(attachment.data.id));
        bool is_winner = number == winner_body;
        bool replaced = std::find(document.replaced_bodies.begin(), document.replaced_bodies.end(), number) !=
                        document.replaced_bodies.end();
        count(document, replaced ? Counter::replaced_bytes : Counter::active_bytes,
              signed_bytes(payload.size()));
        if (is_winner) {
            winner_known = true;
            head.winner_bytes = payload.size();
            head.external_bytes = format::external_bytes(body);
        }
        if (is_winner && payload.size() <= inline_bytes_max) {
            head.body_inline = true;
            head.body = std::move(payload);
        } else {
            format::put_chunks(batch_, keys::body(head.document_number, number), document.id, payload);
        }
    }
    if (document.stored) {
        auto old_winner_body = document.stored->recent.front().info.body;
        if (old_winner_body == winner_body) {
            winner_known = true;
            head.winner_bytes = document.stored->winner_bytes;
            head.external_bytes = document.stored->external_bytes;
            head.body_inline = document.stored->body_inline;
            head.body = document.stored->body;
        } else if (document.stored->body_inline) {
            format::put_chunks(batch_, keys::body(head.document_number, old_winner_body), document.id,
                               document.stored->body);
        }
    }
    if (!winner_known) {
        // Another branch became the winner: its body stays in its row.
        DIVAN_TRY(auto body, stored_body(document, winner_body));
        if (body) {
            head.winner_bytes = format::encode_body(*body).size();
            head.external_bytes = format::external_bytes(*body);
        }
    }
    for (auto number : document.replaced_bodies) {
        if (document.new_bodies.contains(number))
            continue;
        DIVAN_TRY(auto bytes, stored_body_bytes(document, number));
        count(document, Counter::active_bytes, -signed_bytes(bytes));
        count(document, Counter::replaced_bytes, signed_bytes(bytes));
    }
    return {};
}

Result<std::uint64_t> CommitGroup::stored_body_bytes(const WorkingDocument &document, std::uint64_t body) {
    if (!document.stored || body == 0)
        return std::uint64_t{0};
    if (document.stored->recent.front().info.body == body)
        return document.stored->winner_bytes;
    auto key = keys::chunk(keys::body(document.document_number, body), 0);
    kv::KeyRef ref{kv::Table::documents, key};
    DIVAN_TRY(auto values, database_.context.engine.read(database_.entry.shard, std::span(&ref, 1)));
    if (!values[0])
        return std::uint64_t{0};
    DIVAN_TRY(auto chunk, format::decode_first_chunk(*values[0]));
    return chunk.payload_bytes;
}

// The payloads of all bodies that a document has in rows of their own.
Result<std::map<std::uint64_t, std::string>> CommitGroup::stored_body_rows(std::uint64_t document_number) {
    std::map<std::uint64_t, std::string> rows;
    auto prefix = keys::bodies(document_number);
    kv::ScanRequest request;
    request.shard = database_.entry.shard;
    request.begin = prefix;
    request.end = prefix_end(prefix);
    for (;;) {
        DIVAN_TRY(auto page, database_.context.engine.scan(request));
        for (std::size_t i = 0; i < page.size(); ++i) {
            DIVAN_TRY(auto key, keys::parse_body(page.key(i)));
            if (key.chunk != 0)
                continue;
            DIVAN_TRY(auto chunk, format::decode_first_chunk(page.value(i)));
            auto &payload = rows[key.body];
            payload = chunk.part;
            if (payload.size() < chunk.payload_bytes) {
                DIVAN_TRY(auto whole, format::read_chunks(database_.context.engine, database_.entry.shard,
                                                          keys::body(document_number, key.body)));
                if (whole)
                    payload = std::move(*whole);
            }
        }
        if (!page.more)
            return rows;
        request.begin = std::string(page.key(page.size() - 1)) + '\0';
    }
}

Result<void> CommitGroup::flush_removed_bodies(WorkingDocument &document) {
    DIVAN_TRY(auto rows, stored_body_rows(document.document_number));
    // Another winner has moved it to a row in this batch.
    if (document.stored && document.stored->body_inline)
        rows.emplace(document.stored->recent.front().info.body, document.stored->body);
    std::vector<AttachmentId> gone;
    for (auto number : document.removed_bodies) {
        auto row = rows.find(number);
        if (row == rows.end())
            continue;
        DIVAN_TRY(auto body, format::decode_body(row->second));
        collect_attachments(body, gone);
        format::erase_chunks(batch_, keys::body(document.document_number, number), row->second.size());
        bool leaf = document.removed_leaf_bodies.contains(number);
        count(document, leaf ? Counter::active_bytes : Counter::replaced_bytes,
              -signed_bytes(row->second.size()));
        rows.erase(row);
    }
    if (gone.empty())
        return {};
    std::vector<AttachmentId> kept;
    for (const auto &[number, payload] : rows) {
        DIVAN_TRY(auto body, format::decode_body(payload));
        collect_attachments(body, kept);
    }
    for (const auto &[number, body] : document.new_bodies)
        collect_attachments(body, kept);
    for (const auto &id : gone) {
        if (std::find(kept.begin(), kept.end(), id) == kept.end()) {
            DIVAN_TRY_VOID(erase_attachment(id));
            kept.push_back(id);
        }
    }
    return {};
}

Result<void> CommitGroup::flush_erased(WorkingDocument &document) {
    if (!document.stored)
        return {};
    const auto &stored = *document.stored;
    std::map<std::uint64_t, std::string> rows;
    // Nothing was ever replaced in a document of one first revision, and its body lies in the head.
    bool has_body_rows = stored.has_tree || stored.recent.front().rev.generation > 1 || !stored.body_inline;
    if (has_body_rows) {
        DIVAN_TRY(rows, stored_body_rows(stored.document_number));
    }
    std::vector<AttachmentId> gone;
    for (const auto &[number, payload] : rows) {
        DIVAN_TRY(auto body, format::decode_body(payload));
        collect_attachments(body, gone);
        format::erase_chunks(batch_, keys::body(stored.document_number, number), payload.size());
        bool leaf = document.removed_leaf_bodies.contains(number);
        count(document, leaf ? Counter::active_bytes : Counter::replaced_bytes,
              -signed_bytes(payload.size()));
    }
    if (stored.body_inline) {
        DIVAN_TRY(auto body, format::decode_body(stored.body));
        collect_attachments(body, gone);
        count(document, Counter::active_bytes, -signed_bytes(stored.winner_bytes));
    }
    std::sort(gone.begin(), gone.end());
    gone.erase(std::unique(gone.begin(), gone.end()), gone.end());
    for (const auto &id : gone) {
        DIVAN_TRY_VOID(erase_attachment(id));
    }
    erase_tree(batch_, stored_tree(stored));
    batch_.erase(kv::Table::documents, keys::head(document.id));
    move_change(stored.sequence, kv::Sequence());
    bool was_deleted = stored.recent.front().info.deleted;
    count(document, was_deleted ? Counter::deleted : Counter::documents, -1);
    if (!was_deleted && doc::is_design_id(document.id))
        count(document, Counter::design_documents, -1);
    count(document, Counter::external_bytes, -signed_bytes(stored.external_bytes));
    return {};
}

Result<void> CommitGroup::erase_attachment(const AttachmentId &id) {
    kv::ScanRequest request;
    request.shard = database_.entry.shard;
    request.table = kv::Table::attachments;
    request.begin = keys::attachment(id);
    request.end = prefix_end(request.begin);
    request.keys_only = true;
    for (;;) {
        DIVAN_TRY(auto page, database_.context.engine.scan(request));
        for (std::size_t i = 0; i < page.size(); ++i)
            batch_.erase(kv::Table::attachments, std::string(page.key(i)));
        if (!page.more)
            return {};
        request.begin = std::string(page.key(page.size() - 1)) + '\0';
    }
}

} // namespace divan::db
