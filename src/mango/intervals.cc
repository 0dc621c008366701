#include "mango/intervals.h"

#include "base/bytes.h"
#include "collation/sort_key.h"

#include <algorithm>

namespace divan::mango {
namespace {

using selector::Node;
using selector::Operator;
using Kind = Node::Kind;

// Whether an interval that ends at `end` reaches beyond `key`.
bool ends_behind(const std::string &end, std::string_view key) {
    return end.empty() || end > key;
}

const std::string &smaller_end(const std::string &left, const std::string &right) {
    if (left.empty() || right.empty())
        return left.empty() ? right : left;
    return std::min(left, right);
}

// Sort keys of values, as columns of an index have them.
struct SortKeys {
    static std::string key(const json::Value &value) { return collation::sort_key(value); }
    // The first key behind those of the value.
    static std::string behind(const std::string &key) { return prefix_end(key); }
};

IntervalSet point(const json::Value &value) {
    auto key = SortKeys::key(value);
    auto end = SortKeys::behind(key);
    return IntervalSet::of(Interval{std::move(key), std::move(end), true});
}

IntervalSet points(const json::Array &values) {
    std::vector<Interval> all;
    for (const auto &value : values) {
        auto key = SortKeys::key(value);
        auto end = SortKeys::behind(key);
        all.push_back({std::move(key), std::move(end), true});
    }
    return IntervalSet::of(std::move(all));
}

IntervalSet below(std::string end) {
    if (end.empty()) // nothing is below the empty id
        return IntervalSet::none();
    return IntervalSet::of(Interval{"", std::move(end), false});
}

IntervalSet from(std::string begin) {
    return IntervalSet::of(Interval{std::move(begin), "", false});
}

IntervalSet arrays() {
    std::string begin;
    collation::append_array_begin(begin);
    auto end = prefix_end(begin);
    return IntervalSet::of(Interval{std::move(begin), std::move(end), false});
}

// ICU orders a string before its continuations only where no letters are swapped or joined: what is sure is
// used.
IntervalSet strings_with(std::string_view prefix) {
    auto sure = std::find_if(prefix.begin(), prefix.end(), [](char c) { return (c & 0x80) != 0; });
    std::string ascii(prefix.begin(), sure);
    constexpr std::string_view kLast = "\xef\xbf\xbf"; // U+FFFF has the highest weight
    auto begin = SortKeys::key(ascii);
    auto end = SortKeys::behind(SortKeys::key(ascii + std::string(kLast)));
    return IntervalSet::of(Interval{std::move(begin), std::move(end), false});
}

IntervalSet values_of(const Node &condition) {
    const auto &argument = condition.argument;
    switch (condition.op) {
    case Operator::eq:
        return point(argument);
    case Operator::lt:
        return below(SortKeys::key(argument));
    case Operator::lte:
        return below(SortKeys::behind(SortKeys::key(argument)));
    case Operator::gt:
        return from(SortKeys::behind(SortKeys::key(argument)));
    case Operator::gte:
        return from(SortKeys::key(argument));
    case Operator::in:
        // An array matches by its elements.
        return points(argument.array()).united(arrays());
    case Operator::begins_with:
        return strings_with(argument.string());
    case Operator::all:
    case Operator::size:
    case Operator::elem_match:
    case Operator::all_match:
        return arrays();
    default:
        return IntervalSet::all();
    }
}

// Of the value that the conditions are about.
IntervalSet values_of_field(const Node &node) {
    return node.kind == Kind::condition ? values_of(node) : IntervalSet::all();
}

// ---- elements

using Elements = std::optional<IntervalSet>;

Elements elements_of(const Node &condition, const selector::Path &element) {
    if (condition.kind != Kind::condition)
        return std::nullopt;
    switch (condition.op) {
    case Operator::elem_match: {
        const auto &child = condition.children.front();
        auto values = values_at(child, element);
        // An element that need not have the value has no row.
        if (values.is_all() && !element.steps.empty())
            return std::nullopt;
        return values;
    }
    case Operator::in:
        if (!element.steps.empty() || condition.argument.array().empty())
            return std::nullopt;
        return points(condition.argument.array());
    case Operator::all: {
        const auto &values = condition.argument.array();
        // One array as argument means the whole array, too.
        if (!element.steps.empty() || values.empty() || (values.size() == 1 && values[0].is_array()))
            return std::nullopt;
        return point(values[0]);
    }
    default:
        return std::nullopt;
    }
}

// ---- ids

std::string behind_id(const std::string &id) {
    return id + '\0';
}

IntervalSet id_points(const json::Array &values) {
    std::vector<Interval> all;
    for (const auto &value : values)
        if (value.is_string())
            all.push_back({value.string(), behind_id(value.string()), true});
    return IntervalSet::of(std::move(all));
}

IntervalSet ids_of_condition(const Node &condition) {
    if (condition.kind != Kind::condition)
        return IntervalSet::all();
    const auto &argument = condition.argument;
    switch (condition.op) {
    case Operator::eq:
        return id_points({argument});
    case Operator::in:
        return id_points(argument.array());
    // In Erlang's order every other value is below strings.
    case Operator::lt:
        return argument.is_string() ? below(argument.string()) : IntervalSet::none();
    case Operator::lte:
        return argument.is_string() ? below(behind_id(argument.string())) : IntervalSet::none();
    case Operator::gt:
        return argument.is_string() ? from(behind_id(argument.string())) : IntervalSet::all();
    case Operator::gte:
        return argument.is_string() ? from(argument.string()) : IntervalSet::all();
    case Operator::begins_with:
        return IntervalSet::of(Interval{argument.string(), prefix_end(argument.string()), false});
    default:
        return IntervalSet::all();
    }
}

} // namespace

// ---- sets

IntervalSet IntervalSet::all() {
    return of(Interval{});
}

IntervalSet IntervalSet::of(Interval interval) {
    IntervalSet set;
    if (interval.end.empty() || interval.begin < interval.end)
        set.intervals_.push_back(std::move(interval));
    return set;
}

IntervalSet IntervalSet::of(std::vector<Interval> intervals) {
    std::sort(intervals.begin(), intervals.end(),
              [](const Interval &left, const Interval &right) { return left.begin < right.begin; });
    IntervalSet set;
    for (auto &interval : intervals) {
        if (!interval.end.empty() && interval.begin >= interval.end)
            continue;
        if (set.intervals_.empty() || !ends_behind(set.intervals_.back().end, interval.begin)) {
            set.intervals_.push_back(std::move(interval));
            continue;
        }
        auto &last = set.intervals_.back();
        if (last == interval)
            continue;
        last.is_point = false;
        if (!last.end.empty())
            last.end = interval.end.empty() ? std::string() : std::max(last.end, interval.end);
    }
    return set;
}

bool IntervalSet::is_all() const {
    return intervals_.size() == 1 && intervals_[0].begin.empty() && intervals_[0].end.empty();
}

bool IntervalSet::only_points() const {
    return !empty() && std::all_of(intervals_.begin(), intervals_.end(),
                                   [](const Interval &interval) { return interval.is_point; });
}

std::size_t IntervalSet::place(std::string_view key) const {
    auto found = std::partition_point(intervals_.begin(), intervals_.end(), [&](const Interval &interval) {
        return !ends_behind(interval.end, key);
    });
    return static_cast<std::size_t>(found - intervals_.begin());
}

bool IntervalSet::contains(std::string_view key) const {
    auto at = place(key);
    return at < intervals_.size() && intervals_[at].begin <= key;
}

IntervalSet IntervalSet::intersected(const IntervalSet &other) const {
    IntervalSet set;
    auto left = intervals_.begin(), right = other.intervals_.begin();
    while (left != intervals_.end() && right != other.intervals_.end()) {
        const auto &begin = std::max(left->begin, right->begin);
        const auto &end = smaller_end(left->end, right->end);
        if (end.empty() || begin < end) {
            // A point is cut to itself or to nothing.
            set.intervals_.push_back({begin, end, left->is_point || right->is_point});
        }
        (smaller_end(left->end, right->end) == left->end ? left : right)++;
    }
    return set;
}

IntervalSet IntervalSet::united(const IntervalSet &other) const {
    auto both = intervals_;
    both.insert(both.end(), other.intervals_.begin(), other.intervals_.end());
    return of(std::move(both));
}

// ---- selectors

IntervalSet values_at(const Node &selector, const selector::Path &path) {
    switch (selector.kind) {
    case Kind::conjunction: {
        auto set = IntervalSet::all();
        for (const auto &child : selector.children)
            set = set.intersected(values_at(child, path));
        return set;
    }
    case Kind::disjunction: {
        if (selector.children.empty())
            return IntervalSet::all();
        std::vector<Interval> all;
        for (const auto &child : selector.children) {
            auto set = values_at(child, path);
            all.insert(all.end(), set.intervals().begin(), set.intervals().end());
        }
        return IntervalSet::of(std::move(all));
    }
    case Kind::field:
        return selector.path == path ? values_of_field(selector.children.front()) : IntervalSet::all();
    default:
        return IntervalSet::all();
    }
}

std::optional<IntervalSet> elements_at(const Node &selector, const selector::Path &path,
                                       const selector::Path &element) {
    switch (selector.kind) {
    case Kind::conjunction: {
        // Each condition may be met by another element: the smallest set is as good as any.
        Elements best;
        for (const auto &child : selector.children)
            if (auto set = elements_at(child, path, element))
                if (!best || best->is_all() || (!best->only_points() && set->only_points()))
                    best = std::move(set);
        return best;
    }
    case Kind::disjunction: {
        if (selector.children.empty())
            return std::nullopt;
        std::vector<Interval> all;
        for (const auto &child : selector.children) {
            auto set = elements_at(child, path, element);
            if (!set)
                return std::nullopt;
            all.insert(all.end(), set->intervals().begin(), set->intervals().end());
        }
        return IntervalSet::of(std::move(all));
    }
    case Kind::field:
        return selector.path == path ? elements_of(selector.children.front(), element) : std::nullopt;
    default:
        return std::nullopt;
    }
}

IntervalSet ids_of(const Node &selector) {
    if (selector.kind == Kind::conjunction) {
        auto set = IntervalSet::all();
        for (const auto &child : selector.children)
            set = set.intersected(ids_of(child));
        return set;
    }
    static const selector::Path kId{{"_id"}};
    return selector.kind == Kind::field && selector.path == kId ? ids_of_condition(selector.children.front())
                                                                : IntervalSet::all();
}

} // namespace divan::mango
