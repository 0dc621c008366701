// What does not lie in heads, fetched for many of them together.

#include "db/database_state.h"
#include "db/keys.h"
#include "db/tree_rows.h"

namespace divan::db {
namespace {

constexpr std::uint64_t kBodyBytesFetchedMax = 32 << 20;

// A body to fetch: whose, and its number.
struct WantedBody {
    Head *head;
    std::uint64_t body;
};

void want_bodies(Head &head, HeadParts parts, std::uint64_t &bytes, std::vector<WantedBody> &wanted) {
    // The sizes of other leaves' bodies are not known: taken to be as large as the winner's.
    auto add = [&](std::uint64_t body) {
        if (body != 0 && bytes + head.body_bytes <= kBodyBytesFetchedMax) {
            bytes += head.body_bytes;
            wanted.push_back({&head, body});
        }
    };
    if (parts.bodies && !head.body)
        add(head.recent.front().info.body);
    if (parts.leaves && head.tree)
        for (const auto &leaf : head.tree->leaves())
            if (leaf.rev != head.rev)
                add(leaf.info.body);
}

Result<void> fetch_trees(Database::State &state, std::span<Head *const> heads) {
    std::vector<StoredTree> stored;
    std::vector<Head *> owners;
    for (auto *head : heads)
        if (head->has_tree) {
            stored.push_back(stored_tree(*head));
            owners.push_back(head);
        }
    DIVAN_TRY(auto trees, load_trees(state.context.engine, state.entry.shard, stored));
    for (std::size_t i = 0; i < trees.size(); ++i)
        if (trees[i]) {
            trees[i]->stem(state.meta()->revs_limit);
            owners[i]->tree = std::make_shared<const doc::RevTree>(std::move(*trees[i]));
        }
    return {};
}

} // namespace

// A row that is not there was moved or replaced since its head was read: tree() and body() find out.
Result<void> Database::fetch(std::span<Head *const> heads, HeadParts parts) {
    if (parts.trees) {
        DIVAN_TRY_VOID(fetch_trees(*state_, heads));
    }
    std::uint64_t bytes = 0;
    std::vector<WantedBody> wanted;
    for (auto *head : heads)
        want_bodies(*head, parts, bytes, wanted);
    std::vector<std::string> prefixes;
    for (const auto &one : wanted)
        prefixes.push_back(keys::body(one.head->document_number, one.body));
    DIVAN_TRY(auto rows, format::read_payloads(state_->context.engine, state_->entry.shard, prefixes));
    for (std::size_t i = 0; i < rows.size(); ++i)
        if (rows[i]) {
            auto &head = *wanted[i].head;
            DIVAN_TRY(auto body, format::decode_body(*rows[i]));
            if (wanted[i].body == head.recent.front().info.body)
                head.body = std::move(body);
            else
                head.leaf_bodies.emplace(wanted[i].body, std::move(body));
        }
    return {};
}

} // namespace divan::db
