#include "doc/rev_tree.h"

#include "base/check.h"

#include <algorithm>

namespace divan::doc {
namespace {

// Trees up to this size are looked through; larger ones have an index.
constexpr std::size_t kLinearNodesMax = 24;

// Winner order: live before deleted, then the higher revision.
bool wins(const Leaf &a, const Leaf &b) {
    if (a.info.deleted != b.info.deleted)
        return b.info.deleted;
    return a.rev > b.rev;
}

} // namespace

std::size_t RevTree::find_node(const RevId &rev) const {
    if (index_.empty()) {
        // From the back: the newest are asked for most.
        for (std::size_t i = nodes_.size(); i > 0; --i)
            if (nodes_[i - 1].rev == rev)
                return i - 1;
        return kNone;
    }
    auto found = index_.find(rev);
    return found == index_.end() ? kNone : found->second;
}

std::size_t RevTree::add_node(RevId rev, const RevInfo &info) {
    nodes_.push_back({std::move(rev), info, kNone, 0});
    auto added = nodes_.size() - 1;
    if (!index_.empty())
        index_.emplace(nodes_[added].rev, added);
    else if (nodes_.size() > kLinearNodesMax)
        for (std::size_t i = 0; i < nodes_.size(); ++i)
            index_.emplace(nodes_[i].rev, i);
    return added;
}

void RevTree::link(std::size_t child, std::size_t parent) {
    DIVAN_CHECK(nodes_[child].parent == kNone);
    DIVAN_CHECK(nodes_[child].rev.generation == nodes_[parent].rev.generation + 1);
    nodes_[child].parent = parent;
    ++nodes_[parent].child_count;
}

MergeResult RevTree::merge(const RevPath &path, const RevInfo &info) {
    DIVAN_CHECK(!path.hashes.empty() && path.hashes.size() <= path.start);
    auto rev_at = [&](std::size_t i) { return RevId{path.start - i, path.hashes[i]}; };
    auto node = find_node(rev_at(0));
    MergeResult result = MergeResult::new_leaf;
    if (node != kNone) {
        result = MergeResult::already_there;
        if (nodes_[node].info.body == 0 && nodes_[node].child_count > 0)
            nodes_[node].info = info;
    } else {
        node = add_node(rev_at(0), info);
    }
    // Down the path: what is known already is followed, since its oldest node may get an ancestor.
    for (std::size_t i = 1; i < path.hashes.size(); ++i) {
        if (auto known = nodes_[node].parent; known != kNone) {
            if (nodes_[known].rev.hash != path.hashes[i])
                break;
            node = known;
            continue;
        }
        auto parent = find_node(rev_at(i));
        if (parent == kNone) {
            parent = add_node(rev_at(i), {});
        } else if (nodes_[parent].child_count == 0 && result == MergeResult::new_leaf) {
            result = MergeResult::extended;
        }
        link(node, parent);
        node = parent;
    }
    return result;
}

void RevTree::keep_marked(const std::vector<bool> &marked, std::vector<std::uint64_t> &removed_bodies) {
    std::vector<std::size_t> moved(nodes_.size(), kNone);
    std::vector<Node> kept;
    for (std::size_t i = 0; i < nodes_.size(); ++i) {
        if (marked[i]) {
            moved[i] = kept.size();
            kept.push_back(std::move(nodes_[i]));
            kept.back().child_count = 0;
        } else if (nodes_[i].info.body != 0) {
            removed_bodies.push_back(nodes_[i].info.body);
        }
    }
    for (auto &node : kept) {
        if (node.parent != kNone)
            node.parent = moved[node.parent];
        if (node.parent != kNone)
            ++kept[node.parent].child_count;
    }
    nodes_ = std::move(kept);
    index_.clear();
    if (nodes_.size() > kLinearNodesMax)
        for (std::size_t i = 0; i < nodes_.size(); ++i)
            index_.emplace(nodes_[i].rev, i);
}

std::vector<std::uint64_t> RevTree::stem(std::uint64_t limit) {
    std::vector<std::uint64_t> removed;
    if (nodes_.size() <= limit)
        return removed;
    // The generations that each node must still keep below itself, from any leaf.
    std::vector<std::uint64_t> remaining(nodes_.size(), 0);
    for (std::size_t leaf = 0; leaf < nodes_.size(); ++leaf) {
        if (nodes_[leaf].child_count > 0)
            continue;
        auto left = std::max<std::uint64_t>(limit, 1);
        for (auto node = leaf; node != kNone && remaining[node] < left; node = nodes_[node].parent) {
            remaining[node] = left;
            if (--left == 0)
                break;
        }
    }
    std::vector<bool> marked(nodes_.size());
    bool all = true;
    for (std::size_t i = 0; i < nodes_.size(); ++i) {
        marked[i] = remaining[i] > 0;
        all &= marked[i];
    }
    if (!all)
        keep_marked(marked, removed);
    return removed;
}

std::vector<RevId> RevTree::purge(std::span<const RevId> revs, std::vector<std::uint64_t> &removed_bodies) {
    std::vector<bool> marked(nodes_.size(), true);
    std::vector<std::size_t> doomed;
    for (const auto &rev : revs) {
        auto node = find_node(rev);
        if (node != kNone && nodes_[node].child_count == 0 && marked[node]) {
            marked[node] = false;
            doomed.push_back(node);
        }
    }
    std::vector<RevId> purged;
    for (auto leaf : doomed) {
        purged.push_back(nodes_[leaf].rev);
        for (auto node = nodes_[leaf].parent; node != kNone && --nodes_[node].child_count == 0;
             node = nodes_[node].parent)
            marked[node] = false;
    }
    if (!purged.empty())
        keep_marked(marked, removed_bodies);
    return purged;
}

bool RevTree::empty() const {
    return nodes_.empty();
}

std::vector<Leaf> RevTree::leaves() const {
    std::vector<Leaf> leaves;
    for (const auto &node : nodes_)
        if (node.child_count == 0)
            leaves.push_back(leaf_of(node));
    std::sort(leaves.begin(), leaves.end(), wins);
    return leaves;
}

Leaf RevTree::winner() const {
    DIVAN_CHECK(!empty());
    const Node *best = nullptr;
    for (const auto &node : nodes_)
        if (node.child_count == 0 && (best == nullptr || wins(leaf_of(node), leaf_of(*best))))
            best = &node;
    return leaf_of(*best);
}

std::optional<RevInfo> RevTree::find(const RevId &rev) const {
    auto node = find_node(rev);
    return node == kNone ? std::optional<RevInfo>() : nodes_[node].info;
}

bool RevTree::is_leaf(const RevId &rev) const {
    auto node = find_node(rev);
    return node != kNone && nodes_[node].child_count == 0;
}

void RevTree::set_info(const RevId &rev, const RevInfo &info) {
    auto node = find_node(rev);
    DIVAN_CHECK(node != kNone);
    nodes_[node].info = info;
}

std::optional<RevPath> RevTree::path(const RevId &rev) const {
    auto node = find_node(rev);
    if (node == kNone)
        return std::nullopt;
    RevPath path{rev.generation, {}};
    for (; node != kNone; node = nodes_[node].parent)
        path.hashes.push_back(nodes_[node].rev.hash);
    return path;
}

std::optional<std::vector<Leaf>> RevTree::history(const RevId &rev) const {
    auto node = find_node(rev);
    if (node == kNone)
        return std::nullopt;
    std::vector<Leaf> history;
    for (; node != kNone; node = nodes_[node].parent)
        history.push_back(leaf_of(nodes_[node]));
    return history;
}

std::vector<Leaf> RevTree::leaves_from(const RevId &rev) const {
    auto root = find_node(rev);
    std::vector<Leaf> leaves;
    if (root == kNone)
        return leaves;
    // Whether a node descends from `root`: each chain is followed until a node that is known.
    enum : char { kUnknown, kYes, kNo };
    std::vector<char> state(nodes_.size(), kUnknown);
    state[root] = kYes;
    std::vector<std::size_t> chain;
    for (std::size_t leaf = 0; leaf < nodes_.size(); ++leaf) {
        if (nodes_[leaf].child_count > 0)
            continue;
        chain.clear();
        auto node = leaf;
        while (node != kNone && state[node] == kUnknown) {
            chain.push_back(node);
            node = nodes_[node].parent;
        }
        auto answer = node == kNone ? kNo : static_cast<decltype(kNo)>(state[node]);
        for (auto passed : chain)
            state[passed] = answer;
        if (answer == kYes)
            leaves.push_back(leaf_of(nodes_[leaf]));
    }
    std::sort(leaves.begin(), leaves.end(), wins);
    return leaves;
}

std::size_t RevTree::node_count() const {
    return nodes_.size();
}

} // namespace divan::doc
