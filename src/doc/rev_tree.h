#pragma once

// The revision tree of one document: pure, in memory, without I/O.

#include "doc/revision.h"

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace divan::doc {

// What the database keeps beside a revision. `body` names where the body lies (0 = never stored
// here: a revision known only as somebody's ancestor); the tree does not interpret it.
struct RevInfo {
    bool deleted = false;
    std::uint64_t body = 0;
    friend bool operator==(const RevInfo &, const RevInfo &) = default;
};

struct Leaf {
    RevId rev;
    RevInfo info;
    friend bool operator==(const Leaf &, const Leaf &) = default;
};

// A revision and its ancestors, newest first, as `_revisions` gives them: generations are
// `start`, `start - 1`, ... for `hashes[0]`, `hashes[1]`, ...
struct RevPath {
    std::uint64_t start = 0;
    std::vector<RevHash> hashes; // not empty, at most `start`
};

enum class MergeResult : std::uint8_t {
    new_leaf,     // a new leaf that extends no leaf: a new branch or a new root
    extended,     // extends what was a leaf
    already_there // the revision was in the tree; nothing changed (a body given for a node that had none is
                  // taken)
};

// A revision id stands for one node: the same id under two parents is one revision.
//
// Invariants: every node but a root has a parent of the generation below; siblings differ in hash;
// leaves() is sorted by winner order.
class RevTree {
  public:
    // Inserts a path (couch_key_tree:merge): joins at the deepest common node; ancestors not known
    // yet become nodes without a body; a path with no node in common becomes a root of its own.
    // The first body stays when the revision is there already.
    MergeResult merge(const RevPath &path, const RevInfo &info);

    // Cuts every branch to its `limit` newest generations (couch_key_tree:stem); a node stays while
    // any leaf above it is less than `limit` generations away. Returns the bodies of removed nodes.
    std::vector<std::uint64_t> stem(std::uint64_t limit);

    // Removes leaves and the ancestors that lead to no other leaf (couch_key_tree:remove_leafs).
    // Returns those of `revs` that were leaves; `removed_bodies` gets the bodies that went.
    std::vector<RevId> purge(std::span<const RevId> revs, std::vector<std::uint64_t> &removed_bodies);

    [[nodiscard]] bool empty() const;
    // All leaves, the winner first: not deleted before deleted, then higher generation, then higher
    // hash (couch_doc:to_doc_info_path).
    [[nodiscard]] std::vector<Leaf> leaves() const;
    // REQUIRES: !empty()
    [[nodiscard]] Leaf winner() const;

    [[nodiscard]] std::optional<RevInfo> find(const RevId &rev) const;
    [[nodiscard]] bool is_leaf(const RevId &rev) const;
    // Sets the info of a node. REQUIRES: in the tree.
    void set_info(const RevId &rev, const RevInfo &info);
    // The revision and its ancestors, newest first; nullopt if unknown.
    [[nodiscard]] std::optional<RevPath> path(const RevId &rev) const;
    // As path(), with each node's info.
    [[nodiscard]] std::optional<std::vector<Leaf>> history(const RevId &rev) const;
    // The leaves that descend from `rev` (itself if it is one), winner order (latest=true).
    [[nodiscard]] std::vector<Leaf> leaves_from(const RevId &rev) const;
    [[nodiscard]] std::size_t node_count() const;

    // Stored form; see docs/formats/documents.md. encode() of equal trees is equal.
    [[nodiscard]] std::string encode() const;
    // Errors: corruption. Bounded: untrusted bytes cannot make it loop or allocate without limit.
    [[nodiscard]] static Result<RevTree> decode(std::string_view bytes);

    friend bool operator==(const RevTree &a, const RevTree &b) { return a.encode() == b.encode(); }

  private:
    static constexpr std::size_t kNone = static_cast<std::size_t>(-1);
    struct Node {
        RevId rev;
        RevInfo info;
        std::size_t parent = kNone;
        std::size_t child_count = 0;
    };

    [[nodiscard]] std::size_t find_node(const RevId &rev) const;
    std::size_t add_node(RevId rev, const RevInfo &info);
    void link(std::size_t child, std::size_t parent);
    // Drops the nodes that are not marked; renumbers the others.
    void keep_marked(const std::vector<bool> &marked, std::vector<std::uint64_t> &removed_bodies);
    [[nodiscard]] Leaf leaf_of(const Node &node) const { return {node.rev, node.info}; }

    std::vector<Node> nodes_;
    // By revision, kept only for trees that are too large to look through.
    std::map<RevId, std::size_t> index_;
};

} // namespace divan::doc
