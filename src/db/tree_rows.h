#pragma once

// Where the revisions of a document lie, and how they become a tree again.
//
// A head has the winner and its newest ancestors. What is older lies in the document's tree rows: `parts`,
// each a stretch of the winner's history written once, and below them the `base`, a whole tree. Edits that
// extend the winner gather in the head and move to a new part now and then, so that an edit of a long history
// writes little. A document of one leaf needs no base: its oldest parts go as they pass the limit of
// revisions. Any other change writes the whole tree as a new base.

#include "doc/rev_tree.h"
#include "kv/engine.h"

#include <optional>
#include <span>
#include <vector>

namespace divan::db {

// The newest revisions that stay in a head when the others move to a part.
inline constexpr std::size_t kRecentKept = 8;
// The most a head holds.
inline constexpr std::size_t kRecentMax = 24;
inline constexpr std::size_t kPartRevisionsMin = kRecentMax + 1 - kRecentKept;
// More revisions at once make a base.
inline constexpr std::size_t kPartRevisionsMax = 256;
// More parts are gathered into a base, so that reading a tree stays cheap.
inline constexpr std::uint64_t kPartsMax = 64;

// Adds a chain of revisions, newest first, each with what is known of it.
void merge_history(doc::RevTree &tree, std::span<const doc::Leaf> history);

// The tree of a head, as its rows are found.
struct StoredTree {
    std::uint64_t document_number;
    std::uint64_t base_bytes; // 0 = no base
    std::uint64_t first_part;
    std::uint64_t part_count;
    std::span<const doc::Leaf> recent;
};
// Of a Head or a StoredHead, which must outlive it.
template <typename AnyHead> [[nodiscard]] StoredTree stored_tree(const AnyHead &head) {
    return {head.document_number, head.tree_bytes, head.first_part, head.part_count, head.recent};
}

// The whole trees, in that order, by one read; nullopt where rows are missing or do not fit together: the
// document was written since its head was read, or is damaged.
[[nodiscard]] Result<std::vector<std::optional<doc::RevTree>>>
load_trees(kv::Engine &engine, kv::ShardId shard, std::span<const StoredTree> trees,
           const kv::Snapshot *snapshot = nullptr);
// One of them, where nobody can have written the document since its head was read: by its writer, or through
// the snapshot that the head was read through. Errors: corruption instead of nullopt.
[[nodiscard]] Result<doc::RevTree> load_tree(kv::Engine &engine, kv::ShardId shard, const StoredTree &tree,
                                             const kv::Snapshot *snapshot = nullptr);

// Erases what a document has in tree rows.
void erase_tree(kv::WriteBatch &batch, const StoredTree &tree);

} // namespace divan::db
