#pragma once

// From rows to revision trees.

#include "doc/rev_tree.h"
#include "kv/engine.h"

#include <span>

namespace divan::db {

// The newest ancestors that stay in a head when its tree row is written.
inline constexpr std::size_t kRecentKept = 16;
// The most a head holds: one more and the tree row is written.
inline constexpr std::size_t kRecentMax = 64;

// Adds a chain of revisions, newest first, each with what is known of it.
void merge_history(doc::RevTree &tree, std::span<const doc::Leaf> history);

// The tree row of a document. Errors: corruption if there is none.
[[nodiscard]] Result<doc::RevTree> load_tree(kv::Engine &engine, kv::ShardId shard,
                                             std::uint64_t document_number);

} // namespace divan::db
