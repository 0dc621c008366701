#include "db/tree_rows.h"

#include "db/format.h"
#include "db/keys.h"

namespace divan::db {
namespace {

using Rows = std::span<const std::optional<std::string>>;

void append_keys(std::vector<std::string> &keys, const StoredTree &tree) {
    if (tree.base_bytes > 0)
        for (std::uint32_t chunk = 0; chunk < format::chunk_count(tree.base_bytes); ++chunk)
            keys.push_back(keys::chunk(keys::tree(tree.document_number), chunk));
    // The newest part first, as a history goes.
    for (auto part = tree.first_part + tree.part_count; part-- > tree.first_part;)
        keys.push_back(keys::tree_part(tree.document_number, part));
}

Result<std::optional<doc::RevTree>> assemble(const StoredTree &stored, Rows rows) {
    doc::RevTree tree;
    if (stored.base_bytes > 0) {
        auto chunks = rows.first(format::chunk_count(stored.base_bytes));
        rows = rows.subspan(chunks.size());
        DIVAN_TRY(auto payload, format::join_chunks(chunks));
        if (!payload || payload->size() != stored.base_bytes)
            return std::optional<doc::RevTree>();
        DIVAN_TRY(tree, doc::RevTree::decode(*payload));
    }
    std::vector<doc::Leaf> history(stored.recent.begin(), stored.recent.end());
    for (const auto &row : rows) {
        if (!row)
            return std::optional<doc::RevTree>();
        DIVAN_TRY(auto part, format::decode_history(*row));
        if (part.empty() || part.front().rev.generation + 1 != history.back().rev.generation)
            return std::optional<doc::RevTree>();
        history.insert(history.end(), part.begin(), part.end());
    }
    merge_history(tree, history);
    return std::optional<doc::RevTree>(std::move(tree));
}

} // namespace

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

Result<std::vector<std::optional<doc::RevTree>>> load_trees(kv::Engine &engine, kv::ShardId shard,
                                                            std::span<const StoredTree> trees,
                                                            const kv::Snapshot *snapshot) {
    std::vector<std::string> keys;
    std::vector<std::size_t> ends; // of each tree in `keys`
    for (const auto &tree : trees) {
        append_keys(keys, tree);
        ends.push_back(keys.size());
    }
    DIVAN_TRY(auto rows, format::read_rows(engine, shard, keys, snapshot));
    std::vector<std::optional<doc::RevTree>> loaded;
    std::size_t begin = 0;
    for (std::size_t i = 0; i < trees.size(); ++i) {
        DIVAN_TRY(auto tree, assemble(trees[i], Rows(rows).subspan(begin, ends[i] - begin)));
        loaded.push_back(std::move(tree));
        begin = ends[i];
    }
    return loaded;
}

Result<doc::RevTree> load_tree(kv::Engine &engine, kv::ShardId shard, const StoredTree &tree,
                               const kv::Snapshot *snapshot) {
    DIVAN_TRY(auto loaded, load_trees(engine, shard, std::span(&tree, 1), snapshot));
    if (!loaded.front())
        return Error(ErrorCode::corruption, "Stored data is damaged: a document's revision tree is missing.");
    return std::move(*loaded.front());
}

void erase_tree(kv::WriteBatch &batch, const StoredTree &tree) {
    std::vector<std::string> keys;
    append_keys(keys, tree);
    for (auto &key : keys)
        batch.erase(kv::Table::documents, std::move(key));
}

} // namespace divan::db
