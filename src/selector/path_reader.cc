#include "base/check.h"
#include "selector/path.h"
#include "json/canonical_text.h"
#include "json/writer.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <numeric>
#include <optional>

namespace divan::selector {
namespace {

// Up to so many names are compared with a member's one after the other.
constexpr std::size_t kLinearNamesMax = 16;

// A step as an index, read as Erlang's binary_to_integer does: "+1" and "01" are 1. None if it is no
// integer, is negative, or is larger than any array.
std::optional<std::size_t> index_of(std::string_view step) {
    auto digits = step;
    if (step.starts_with('+') || step.starts_with('-'))
        digits.remove_prefix(1);
    std::size_t index = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), index);
    if (digits.empty() || error != std::errc() || end != digits.data() + digits.size())
        return std::nullopt;
    if (step.starts_with('-') && index != 0)
        return std::nullopt;
    return index;
}

struct Child {
    std::string key; // as canonical text has it, with the quotes and the colon
    std::uint32_t node;
};

struct IndexedChild {
    std::size_t index;
    std::uint32_t node;
};

// The paths that begin with the same steps. Those below it are a range of `slots`, its own ones first.
struct TreeNode {
    std::vector<Child> children;        // by key
    std::vector<IndexedChild> by_index; // by index
    std::uint64_t first_bytes = 0;      // of the children's names, each as one of 64 bits
    std::size_t begin = 0, own_end = 0, end = 0;
};

std::uint64_t bit_of(char c) {
    return std::uint64_t{1} << (static_cast<unsigned char>(c) % 64);
}

bool begins_with(const char *at, std::size_t size, const std::string &key) {
    const auto last_quote = key.size() - 2;
    return key.size() <= size && at[last_quote] == '"' && at[1] == key[1] &&
           std::memcmp(at, key.data(), key.size()) == 0;
}

struct PathTree {
    std::vector<TreeNode> nodes;
    std::vector<std::size_t> slots; // numbers of paths, sorted by path

    void build(std::span<const Path> paths);
    void add(std::span<const Path> paths, std::size_t at, std::vector<std::uint32_t> &way);
    void sort_children();
};

void PathTree::build(std::span<const Path> paths) {
    slots.resize(paths.size());
    std::iota(slots.begin(), slots.end(), std::size_t{0});
    std::sort(slots.begin(), slots.end(), [&](auto a, auto b) { return paths[a].steps < paths[b].steps; });
    nodes.emplace_back();
    std::vector<std::uint32_t> way = {0}; // nodes from the root to the path before
    for (std::size_t at = 0; at < slots.size(); ++at)
        add(paths, at, way);
    for (auto node : way)
        nodes[node].end = slots.size();
    sort_children();
}

void PathTree::add(std::span<const Path> paths, std::size_t at, std::vector<std::uint32_t> &way) {
    const auto &steps = paths[slots[at]].steps;
    std::size_t common = 0;
    if (at > 0) {
        const auto &before = paths[slots[at - 1]].steps;
        while (common < steps.size() && common < before.size() && steps[common] == before[common])
            ++common;
    }
    while (way.size() > common + 1) {
        nodes[way.back()].end = at;
        way.pop_back();
    }
    for (std::size_t i = common; i < steps.size(); ++i) {
        const auto made = static_cast<std::uint32_t>(nodes.size());
        std::string key;
        json::write_string(key, steps[i]);
        key.push_back(':');
        auto &parent = nodes[way.back()];
        parent.first_bytes |= bit_of(key[1]);
        parent.children.push_back({std::move(key), made});
        if (auto index = index_of(steps[i]))
            parent.by_index.push_back({*index, made});
        nodes.emplace_back();
        nodes.back().begin = nodes.back().own_end = at;
        way.push_back(made);
    }
    nodes[way.back()].own_end = at + 1;
}

void PathTree::sort_children() {
    for (auto &node : nodes) {
        std::sort(node.children.begin(), node.children.end(),
                  [](const auto &a, const auto &b) { return a.key < b.key; });
        std::sort(node.by_index.begin(), node.by_index.end(),
                  [](const auto &a, const auto &b) { return a.index < b.index; });
    }
}

// One text. Where a function returns the end of a value, that is the comma or bracket behind it; null if
// nothing behind it is wanted any more, which ends the reading.
class Reading {
  public:
    Reading(const PathTree &tree, const char *at, const char *end, std::span<Found> found)
        : tree_(tree), found_(found), end_(end), cursor_(at, end) {}

    // Reads what is wanted of the value at `at`. `goes_on`: whether something behind it is. Recurses as deep
    // as both the longest path and the text are.
    const char *value(const TreeNode &node, const char *at, bool goes_on) {
        const bool has_own = node.own_end > node.begin;
        const char *value_end;
        if (node.children.empty()) {
            value_end = cursor_.end_of_value();
        } else if (at != end_ && *at == '{') {
            value_end = object(node, goes_on || has_own);
        } else if (at != end_ && *at == '[') {
            value_end = array(node, goes_on || has_own);
        } else {
            mark_children(node, Found::State::bad_path);
            value_end = cursor_.end_of_value();
        }
        for (auto own = node.begin; own < node.own_end; ++own)
            found_[tree_.slots[own]] = {Found::State::value, {at, static_cast<std::size_t>(value_end - at)}};
        return value_end;
    }

  private:
    const char *object(const TreeNode &node, bool goes_on) {
        std::size_t wanted = node.children.size();
        const char *before = cursor_.next(); // the bracket or comma before a member
        do {
            const char *key = before + 1;
            const auto *child = child_named(node, key);
            if (child == nullptr) {
                before = cursor_.end_of_value();
                continue;
            }
            --wanted;
            before = value(tree_.nodes[child->node], key + child->key.size(), goes_on || wanted > 0);
        } while (wanted > 0 && before != end_ && *before == ',');
        return goes_on ? leave(before) : nullptr;
    }

    const char *array(const TreeNode &node, bool goes_on) {
        mark_children(node, Found::State::bad_path);
        const char *before = cursor_.next();
        const bool empty = end_ - before < 2 || before[1] == ']';
        auto wanted = node.by_index.begin();
        for (std::size_t index = 0; !empty && wanted != node.by_index.end(); ++index) {
            const char *at = before + 1;
            auto behind = wanted;
            while (behind != node.by_index.end() && behind->index == index)
                ++behind;
            before = elements_children({wanted, behind}, at, goes_on || behind != node.by_index.end());
            wanted = behind;
            if (before == nullptr || before == end_ || *before != ',')
                break;
        }
        return goes_on ? leave(before) : nullptr;
    }

    // Steps as "1" and "01" lead to one element, which is then read for each of them.
    const char *elements_children(std::span<const IndexedChild> children, const char *at, bool goes_on) {
        for (const auto &child : children)
            mark(tree_.nodes[child.node], Found::State::missing);
        if (children.size() == 1)
            return value(tree_.nodes[children.front().node], at, goes_on);
        const char *value_end = cursor_.end_of_value();
        for (const auto &child : children)
            Reading(tree_, at, value_end, found_).value(tree_.nodes[child.node], at, false);
        return value_end;
    }

    // What is behind the container. `before`: the last bracket or comma of it that was taken.
    const char *leave(const char *before) {
        if (before != end_ && (*before == ',' || json::StructureCursor::is_opening(*before)))
            cursor_.end_of_container();
        return before == end_ ? end_ : cursor_.next();
    }

    const Child *child_named(const TreeNode &node, const char *key) const {
        const auto size = static_cast<std::size_t>(end_ - key);
        if (size < 2 || (node.first_bytes & bit_of(key[1])) == 0)
            return nullptr;
        const auto &children = node.children;
        if (children.size() <= kLinearNamesMax) {
            for (const auto &child : children)
                if (begins_with(key, size, child.key))
                    return &child;
            return nullptr;
        }
        const char *key_end = json::skip_string(key, end_);
        const std::string_view wanted(key,
                                      static_cast<std::size_t>(key_end - key) + (key_end != end_ ? 1 : 0));
        auto found = std::lower_bound(children.begin(), children.end(), wanted,
                                      [](const Child &child, std::string_view w) { return child.key < w; });
        return found != children.end() && found->key == wanted ? &*found : nullptr;
    }

    void mark(const TreeNode &node, Found::State state) { mark(node.begin, node.end, state); }
    void mark_children(const TreeNode &node, Found::State state) { mark(node.own_end, node.end, state); }
    void mark(std::size_t begin, std::size_t end, Found::State state) {
        for (auto at = begin; at < end; ++at)
            found_[tree_.slots[at]].state = state;
    }

    const PathTree &tree_;
    std::span<Found> found_;
    const char *end_;
    json::StructureCursor cursor_;
};

} // namespace

struct PathReader::Tree : PathTree {};

PathReader::PathReader(std::span<const Path> paths) : tree_(std::make_unique<Tree>()) {
    tree_->build(paths);
}
PathReader::~PathReader() = default;
PathReader::PathReader(PathReader &&) noexcept = default;
PathReader &PathReader::operator=(PathReader &&) noexcept = default;

std::size_t PathReader::size() const {
    return tree_->slots.size();
}

void PathReader::read(std::string_view json, std::span<Found> found) const {
    DIVAN_CHECK(found.size() == size());
    if (found.empty())
        return;
    std::fill(found.begin(), found.end(), Found{});
    Reading(*tree_, json.begin(), json.end(), found).value(tree_->nodes.front(), json.begin(), false);
}

} // namespace divan::selector
