#include "db/purge_operation.h"

#include "base/encoding.h"
#include "db/database_state.h"
#include "db/keys.h"

#include <set>

namespace divan::db {

PurgeOperation::PurgeOperation(RevsById asked, bool record, Done done)
    : asked_(std::move(asked)), record_(record), done_(std::move(done)) {}

void PurgeOperation::collect(std::vector<std::string> &ids) const {
    for (const auto &[id, revs] : asked_)
        ids.push_back(id);
}

void PurgeOperation::foresee(CommitGroup &group) const {
    for (const auto &[id, revs] : asked_)
        group.document(id).tree_wanted = true;
}

std::uint32_t PurgeOperation::edit_count() const {
    return static_cast<std::uint32_t>(asked_.size());
}

Result<void> PurgeOperation::apply(CommitGroup &group) {
    purged_.clear();
    for (const auto &[id, revs] : asked_) {
        DIVAN_TRY_VOID(purge_document(group, id, revs));
    }
    return {};
}

Result<void> PurgeOperation::purge_document(CommitGroup &group, const std::string &id,
                                            const std::vector<doc::RevId> &revs) {
    auto &document = group.document(id);
    auto &purged = purged_[id];
    if (!document.exists() || document.changed)
        return {}; // an edit of the same group came first: the purge names what is no leaf any more
    DIVAN_TRY_VOID(group.complete_tree(document));
    std::set<std::uint64_t> leaf_bodies;
    for (const auto &leaf : document.tree.leaves())
        leaf_bodies.insert(leaf.info.body);
    purged = document.tree.purge(revs, document.removed_bodies);
    if (purged.empty())
        return {};
    for (auto body : document.removed_bodies)
        if (leaf_bodies.contains(body))
            document.removed_leaf_bodies.insert(body);
    document.changed = true;
    document.only_extended_winner = false;
    document.sequence = group.next_sequence();
    document.erased = document.tree.empty();
    if (record_) {
        auto &meta = group.mutable_meta();
        ++meta.purge_seq;
        auto uuid = hex_encode(group.database().context.random.bytes(16));
        group.batch().put(kv::Table::documents, keys::purge(meta.purge_seq),
                          format::encode_purge(uuid, id, purged));
        if (meta.purge_seq > meta.purge_infos_max)
            group.batch().erase(kv::Table::documents, keys::purge(meta.purge_seq - meta.purge_infos_max));
    }
    return {};
}

void PurgeOperation::answer(const Result<void> &outcome) {
    if (outcome.ok())
        done_(std::move(purged_));
    else
        done_(outcome.error());
}

RemoveBodiesOperation::RemoveBodiesOperation(std::map<std::string, std::vector<std::uint64_t>> bodies,
                                             std::uint64_t keep_newest, Done done)
    : bodies_(std::move(bodies)), keep_newest_(keep_newest), done_(std::move(done)) {}

void RemoveBodiesOperation::collect(std::vector<std::string> &ids) const {
    for (const auto &[id, bodies] : bodies_)
        ids.push_back(id);
}

void RemoveBodiesOperation::foresee(CommitGroup &group) const {
    for (const auto &[id, bodies] : bodies_) {
        auto &document = group.document(id);
        document.tree_wanted |= document.stored && document.stored->leaf_count > 1;
    }
}

Result<void> RemoveBodiesOperation::apply(CommitGroup &group) {
    for (const auto &[id, bodies] : bodies_) {
        auto &document = group.document(id);
        // A document that is written in this group or gone: the next round takes it.
        if (!document.exists() || document.changed)
            continue;
        if (!document.stored || document.stored->leaf_count > 1) {
            DIVAN_TRY_VOID(group.complete_tree(document));
        }
        // The bodies that stay: each leaf's, and those of its newest ancestors.
        std::set<std::uint64_t> kept;
        for (const auto &leaf : document.tree.leaves()) {
            auto history = document.tree.history(leaf.rev);
            std::uint64_t found = 0;
            for (const auto &node : *history) {
                if (found > keep_newest_)
                    break;
                kept.insert(node.info.body);
                ++found;
            }
        }
        for (auto body : bodies)
            if (!kept.contains(body))
                document.removed_bodies.push_back(body);
    }
    return {};
}

} // namespace divan::db
