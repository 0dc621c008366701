#include "db/tree_rows.h"

#include "db/format.h"
#include "db/keys.h"

namespace divan::db {

void merge_history(doc::RevTree &tree, std::span<const doc::Leaf> history) {
    if (history.empty())
        return;
    doc::RevPath path;
    path.start = history.front().rev.generation;
    path.hashes.reserve(history.size());
    for (const auto &node : history)
        path.hashes.push_back(node.rev.hash);
    tree.merge(path, history.front().info);
    for (const auto &node : history)
        tree.set_info(node.rev, node.info);
}

Result<doc::RevTree> load_tree(kv::Engine &engine, kv::ShardId shard, std::uint64_t document_number) {
    DIVAN_TRY(auto payload, format::read_chunks(engine, shard, keys::tree(document_number)));
    if (!payload)
        return Error(ErrorCode::corruption, "Stored data is damaged: a document's revision tree is missing.");
    return doc::RevTree::decode(*payload);
}

} // namespace divan::db
