#include "base/check.h"
#include "selector/path.h"
#include "json/canonical_text.h"
#include "json/writer.h"

#include <algorithm>
#include <charconv>
#include <numeric>
#include <optional>

namespace divan::selector {
namespace {

// Up to so many names are compared with a member's one after the other.
constexpr std::size_t kLinearNamesMax = 8;

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
    std::string name; // as canonical text writes it, without the quotes
    std::uint32_t node;
};

struct IndexedChild {
    std::size_t index;
    std::uint32_t node;
};

// The paths that begin with the same steps. Those below are a range of `slots`, its own ones at the front.
struct TreeNode {
    std::vector<Child> children;        // by name
    std::vector<IndexedChild> by_index; // by index
    std::size_t begin = 0, own_end = 0, end = 0;
};

} // namespace

struct PathReader::Tree {
    std::vector<TreeNode> nodes;
    std::vector<std::size_t> slots; // numbers of paths, sorted by path

    void build(std::span<const Path> paths);
    void add(std::span<const Path> paths, std::size_t at, std::vector<std::uint32_t> &way);
    void finish();

    [[nodiscard]] const TreeNode *child(const TreeNode &node, std::string_view name) const;
    void mark_bad(const TreeNode &node, std::span<Found> found) const;
    // Reads what is below `node`, whose value begins at `at`. Returns the end of the value, or, unless
    // `end_wanted`, null. Recurses as deep as both the longest path and the text are.
    const char *read(const TreeNode &node, const char *at, const char *end, bool end_wanted,
                     std::span<Found> found) const;
    const char *read_object(const TreeNode &node, const char *at, const char *end, bool end_wanted,
                            std::span<Found> found) const;
    const char *read_array(const TreeNode &node, const char *at, const char *end, bool end_wanted,
                           std::span<Found> found) const;
};

void PathReader::Tree::build(std::span<const Path> paths) {
    slots.resize(paths.size());
    std::iota(slots.begin(), slots.end(), std::size_t{0});
    std::sort(slots.begin(), slots.end(), [&](auto a, auto b) { return paths[a].steps < paths[b].steps; });
    nodes.emplace_back();
    std::vector<std::uint32_t> way = {0}; // nodes from the root to the path before
    for (std::size_t at = 0; at < slots.size(); ++at)
        add(paths, at, way);
    for (auto node : way)
        nodes[node].end = slots.size();
    finish();
}

void PathReader::Tree::add(std::span<const Path> paths, std::size_t at, std::vector<std::uint32_t> &way) {
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
        std::string name;
        json::write_string(name, steps[i]);
        auto &parent = nodes[way.back()];
        parent.children.push_back({std::string(json::inside_quotes(name)), made});
        if (auto index = index_of(steps[i]))
            parent.by_index.push_back({*index, made});
        nodes.emplace_back();
        nodes.back().begin = nodes.back().own_end = at;
        way.push_back(made);
    }
    nodes[way.back()].own_end = at + 1;
}

void PathReader::Tree::finish() {
    for (auto &node : nodes) {
        std::sort(node.children.begin(), node.children.end(),
                  [](const auto &a, const auto &b) { return a.name < b.name; });
        std::sort(node.by_index.begin(), node.by_index.end(),
                  [](const auto &a, const auto &b) { return a.index < b.index; });
    }
}

const TreeNode *PathReader::Tree::child(const TreeNode &node, std::string_view name) const {
    const auto &children = node.children;
    if (children.size() <= kLinearNamesMax) {
        for (const auto &child : children)
            if (child.name == name)
                return &nodes[child.node];
        return nullptr;
    }
    auto found =
        std::lower_bound(children.begin(), children.end(), name,
                         [](const Child &child, std::string_view wanted) { return child.name < wanted; });
    return found != children.end() && found->name == name ? &nodes[found->node] : nullptr;
}

void PathReader::Tree::mark_bad(const TreeNode &node, std::span<Found> found) const {
    for (auto at = node.begin; at < node.end; ++at)
        found[slots[at]].state = Found::State::bad_path;
}

const char *PathReader::Tree::read(const TreeNode &node, const char *at, const char *end, bool end_wanted,
                                   std::span<Found> found) const {
    const bool has_own = node.own_end > node.begin;
    const char *value_end = nullptr;
    if (node.children.empty()) {
        value_end = json::skip_value(at, end);
    } else if (at != end && *at == '{') {
        value_end = read_object(node, at, end, end_wanted || has_own, found);
    } else if (at != end && *at == '[') {
        value_end = read_array(node, at, end, end_wanted || has_own, found);
    } else {
        value_end = json::skip_value(at, end);
        for (const auto &child : node.children)
            mark_bad(nodes[child.node], found);
    }
    for (auto own = node.begin; own < node.own_end; ++own)
        found[slots[own]] = {Found::State::value, {at, static_cast<std::size_t>(value_end - at)}};
    return value_end;
}

const char *PathReader::Tree::read_object(const TreeNode &node, const char *at, const char *end,
                                          bool end_wanted, std::span<Found> found) const {
    json::MemberReader members(at, end);
    std::size_t wanted = node.children.size();
    while (members.next()) {
        const auto *below = child(node, members.key());
        if (below == nullptr)
            continue;
        --wanted;
        const char *value_end = read(*below, members.value_begin(), end, end_wanted || wanted > 0, found);
        if (wanted == 0)
            return end_wanted ? json::skip_rest_of_container(value_end, end) : nullptr;
        members.set_value_end(value_end);
    }
    return members.position();
}

const char *PathReader::Tree::read_array(const TreeNode &node, const char *at, const char *end,
                                         bool end_wanted, std::span<Found> found) const {
    for (const auto &child : node.children)
        mark_bad(nodes[child.node], found);
    if (node.by_index.empty())
        return end_wanted ? json::skip_value(at, end) : nullptr;
    json::ElementReader elements(at, end);
    auto wanted = node.by_index.begin();
    for (std::size_t index = 0; elements.next(); ++index) {
        for (; wanted != node.by_index.end() && wanted->index == index; ++wanted) {
            // Steps like "1" and "01" lead to the same element.
            const auto &below = nodes[wanted->node];
            for (auto slot = below.begin; slot < below.end; ++slot)
                found[slots[slot]].state = Found::State::missing;
            elements.set_value_end(read(below, elements.value_begin(), end, true, found));
        }
        if (wanted == node.by_index.end())
            return end_wanted ? json::skip_rest_of_container(elements.position(), end) : nullptr;
    }
    return elements.position();
}

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
    tree_->read(tree_->nodes.front(), json.data(), json.data() + json.size(), false, found);
}

} // namespace divan::selector
