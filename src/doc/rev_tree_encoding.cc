// The stored form of a tree: runs of nodes that have one child each. docs/formats/documents.md.

#include "base/bytes.h"
#include "doc/rev_tree.h"

#include <algorithm>

namespace divan::doc {
namespace {

constexpr std::uint8_t kVersion = 1;

Error damaged() {
    return Error(ErrorCode::corruption, "Stored data is damaged: a revision tree.");
}

} // namespace

std::string RevTree::encode() const {
    std::vector<std::vector<std::size_t>> children(nodes_.size());
    std::vector<std::size_t> roots;
    for (std::size_t i = 0; i < nodes_.size(); ++i)
        (nodes_[i].parent == kNone ? roots : children[nodes_[i].parent]).push_back(i);
    auto by_rev_descending = [&](std::size_t a, std::size_t b) { return nodes_[a].rev > nodes_[b].rev; };

    std::string out;
    append_u8(out, kVersion);
    // A run to be written and the number of its parent among the written nodes, from 1; 0 = a root.
    struct Run {
        std::size_t node;
        std::size_t parent_number;
    };
    std::vector<Run> open;
    std::sort(roots.begin(), roots.end(), by_rev_descending);
    for (auto root : roots)
        open.push_back({root, 0});
    std::size_t written = 0;
    while (!open.empty()) {
        auto run = open.back();
        open.pop_back();
        std::vector<std::size_t> nodes{run.node};
        while (children[nodes.back()].size() == 1)
            nodes.push_back(children[nodes.back()].front());
        append_varint(out, run.parent_number);
        append_varint(out, nodes_[run.node].rev.generation);
        append_varint(out, nodes.size());
        for (auto node : nodes) {
            append_sized(out, nodes_[node].rev.hash.bytes());
            append_varint(out, nodes_[node].info.body << 1 | (nodes_[node].info.deleted ? 1 : 0));
        }
        written += nodes.size();
        auto &next = children[nodes.back()];
        std::sort(next.begin(), next.end(), by_rev_descending);
        for (auto child : next)
            open.push_back({child, written});
    }
    return out;
}

Result<RevTree> RevTree::decode(std::string_view bytes) {
    ByteReader reader(bytes);
    if (reader.u8() != kVersion)
        return damaged();
    RevTree tree;
    while (reader.ok() && !reader.at_end()) {
        auto parent_number = reader.varint();
        auto generation = reader.varint();
        auto count = reader.varint();
        if (parent_number > tree.nodes_.size() || count == 0 || count > bytes.size() || generation == 0 ||
            generation > (1ull << 60))
            return damaged();
        auto parent = parent_number == 0 ? kNone : static_cast<std::size_t>(parent_number - 1);
        for (std::uint64_t i = 0; i < count && reader.ok(); ++i) {
            RevId rev{generation + i, RevHash::from_bytes(reader.sized())};
            auto packed = reader.varint();
            if (tree.find_node(rev) != kNone ||
                (parent != kNone && tree.nodes_[parent].rev.generation + 1 != rev.generation))
                return damaged();
            auto node = tree.add_node(std::move(rev), {(packed & 1) != 0, packed >> 1});
            if (parent != kNone)
                tree.link(node, parent);
            parent = node;
        }
    }
    if (!reader.ok())
        return damaged();
    return tree;
}

} // namespace divan::doc
