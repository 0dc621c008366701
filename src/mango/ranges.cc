#include "mango/ranges.h"

#include "collation/sort_key.h"

#include <algorithm>
#include <map>

namespace divan::mango {
namespace {

using selector::Node;
using selector::Operator;
using Kind = Node::Kind;

constexpr std::string_view kMax = "<MAX>";
constexpr std::string_view kHighestCharacter = "\xef\xbf\xbf"; // U+FFFF

bool is_indexable(const Node &condition) {
    if (condition.kind != Kind::condition)
        return false;
    switch (condition.op) {
    case Operator::lt:
    case Operator::lte:
    case Operator::eq:
    case Operator::gt:
    case Operator::gte:
    case Operator::begins_with:
    case Operator::exists:
        return true;
    default:
        return false;
    }
}

void collect_paths(const Node &node, std::vector<selector::Path> &paths) {
    if (node.kind == Kind::conjunction)
        for (const auto &child : node.children)
            collect_paths(child, paths);
    if (node.kind == Kind::field && is_indexable(node.children.front()))
        paths.push_back(node.path);
}

int compare(const std::optional<json::Value> &bound, const json::Value &value) {
    return collation::compare(value, *bound);
}

void require_at_least(FieldRange &range, const json::Value &value, bool inclusive) {
    if (range.high) {
        int order = compare(range.high, value);
        if (order > 0 || (order == 0 && !(inclusive && range.high_inclusive)))
            range.nothing = true;
    }
    int order = range.low ? compare(range.low, value) : 1;
    if (order > 0 || (order == 0 && !inclusive)) {
        range.low = value;
        range.low_inclusive = inclusive;
    }
}

void require_at_most(FieldRange &range, const json::Value &value, bool inclusive) {
    if (range.low) {
        int order = compare(range.low, value);
        if (order < 0 || (order == 0 && !(inclusive && range.low_inclusive)))
            range.nothing = true;
    }
    int order = range.high ? compare(range.high, value) : -1;
    if (order < 0 || (order == 0 && !inclusive)) {
        range.high = value;
        range.high_inclusive = inclusive;
    }
}

void narrow(FieldRange &range, const Node &condition) {
    if (condition.kind != Kind::condition)
        return;
    const auto &argument = condition.argument;
    switch (condition.op) {
    case Operator::lt:
        return require_at_most(range, argument, false);
    case Operator::lte:
        return require_at_most(range, argument, true);
    case Operator::gt:
        return require_at_least(range, argument, false);
    case Operator::gte:
        return require_at_least(range, argument, true);
    case Operator::eq:
        require_at_least(range, argument, true);
        return require_at_most(range, argument, true);
    case Operator::begins_with:
        require_at_least(range, argument, true);
        return require_at_most(range, argument.string() + std::string(kHighestCharacter), true);
    default:
        return;
    }
}

using Ranges = std::map<selector::Path, FieldRange>;

void narrow_all(Ranges &ranges, const Node &node) {
    if (node.kind == Kind::conjunction)
        for (const auto &child : node.children)
            narrow_all(ranges, child);
    if (node.kind != Kind::field)
        return;
    if (auto range = ranges.find(node.path); range != ranges.end())
        narrow(range->second, node.children.front());
}

} // namespace

std::vector<selector::Path> indexable_paths(const Node &selector) {
    std::vector<selector::Path> paths;
    collect_paths(selector, paths);
    std::sort(paths.begin(), paths.end());
    paths.erase(std::unique(paths.begin(), paths.end()), paths.end());
    return paths;
}

std::vector<FieldRange> field_ranges(const Node &selector) {
    Ranges by_path;
    for (auto &path : indexable_paths(selector)) {
        auto &range = by_path[path];
        range.field = path.joined();
    }
    narrow_all(by_path, selector);
    std::vector<FieldRange> ranges;
    for (auto &[path, range] : by_path) {
        if (range.nothing)
            return {std::move(range)};
        ranges.push_back(std::move(range));
    }
    return ranges;
}

std::vector<FieldRange> prefix_ranges(std::span<const std::string> columns,
                                      std::span<const FieldRange> ranges) {
    std::vector<FieldRange> prefix;
    for (const auto &column : columns) {
        auto found = std::find_if(ranges.begin(), ranges.end(),
                                  [&](const FieldRange &range) { return range.field == column; });
        if (found == ranges.end())
            break;
        prefix.push_back(*found);
    }
    return prefix;
}

ShownKeys shown_keys(std::span<const FieldRange> prefix) {
    json::Array start, end;
    for (const auto &range : prefix) {
        if (!range.low)
            break;
        start.push_back(*range.low);
    }
    for (const auto &range : prefix) {
        if (!range.high)
            break;
        end.push_back(*range.high);
    }
    end.emplace_back(kMax);
    return {std::move(start), std::move(end)};
}

ShownKeys shown_ids(std::span<const FieldRange> prefix) {
    ShownKeys keys{nullptr, kMax};
    if (!prefix.empty() && prefix[0].low)
        keys.start = *prefix[0].low;
    if (!prefix.empty() && prefix[0].high)
        keys.end = *prefix[0].high;
    return keys;
}

} // namespace divan::mango
