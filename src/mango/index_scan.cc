// From a selector to spans of an index.

#include "base/bytes.h"
#include "collation/sort_key.h"
#include "mango/plan.h"

#include <algorithm>

namespace divan::mango {
namespace {

using selector::Node;
using selector::Operator;
using Kind = Node::Kind;

// Spans of one scan: beyond, the last column is not split any more.
constexpr std::size_t kSpansMax = 1'000;

// What all full keys of an index begin with.
std::string key_begin(const Index &index, const Query &query) {
    std::string begin;
    if (index.partitioned)
        collation::append_bytes(begin, query.partition);
    collation::append_array_begin(begin);
    return begin;
}

views::RowSpan span_of(const std::string &prefix, const Interval &interval) {
    return {prefix + interval.begin, interval.end.empty() ? prefix_end(prefix) : prefix + interval.end};
}

// The beginnings of keys whose first columns have one value each.
class Prefixes {
  public:
    explicit Prefixes(std::string begin) : prefixes_{std::move(begin)} {}

    // Takes the values of the next column; false: it has no single ones, or too many. Stretches of values
    // (arrays, beside the values of an `$in`) are spans of their own, whatever the columns behind say.
    bool extend(const IntervalSet &values) {
        if (!has_points(values) || (prefixes_.size() + spans_.size()) * values.intervals().size() > kSpansMax)
            return false;
        std::vector<std::string> longer;
        for (const auto &prefix : prefixes_)
            for (const auto &interval : values.intervals())
                if (interval.is_point)
                    longer.push_back(prefix + interval.begin);
                else
                    spans_.push_back(span_of(prefix, interval));
        prefixes_ = std::move(longer);
        return true;
    }
    // Sets `joined` if there would be too many: then they hold more than asked for.
    [[nodiscard]] std::vector<views::RowSpan> spans(const IntervalSet &values, bool &joined) && {
        if (!values.empty()) {
            auto intervals = values.intervals();
            joined = prefixes_.size() * intervals.size() > kSpansMax;
            if (joined)
                intervals = {{intervals.front().begin, intervals.back().end, false}};
            for (const auto &prefix : prefixes_)
                for (const auto &interval : intervals)
                    spans_.push_back(span_of(prefix, interval));
        }
        std::sort(spans_.begin(), spans_.end(),
                  [](const auto &left, const auto &right) { return left.begin < right.begin; });
        return std::move(spans_);
    }

  private:
    static bool has_points(const IntervalSet &values) {
        return std::any_of(values.intervals().begin(), values.intervals().end(),
                           [](const Interval &interval) { return interval.is_point; });
    }

    std::vector<std::string> prefixes_; // ascending
    std::vector<views::RowSpan> spans_; // of columns before the last
};

// ---- whether spans say all that a selector says

bool is_range(const Node &condition) {
    if (condition.kind != Kind::condition)
        return false;
    switch (condition.op) {
    case Operator::lt:
    case Operator::lte:
    case Operator::eq:
    case Operator::gt:
    case Operator::gte:
        return true;
    case Operator::exists:
        return condition.argument.is_true();
    default:
        return false;
    }
}

bool is_said_by(const Node &node, std::span<const selector::Path> columns) {
    if (node.kind == Kind::conjunction)
        return std::all_of(node.children.begin(), node.children.end(),
                           [&](const Node &child) { return is_said_by(child, columns); });
    return node.kind == Kind::everything ||
           (node.kind == Kind::field && is_range(node.children.front()) &&
            std::find(columns.begin(), columns.end(), node.path) != columns.end());
}

} // namespace

std::optional<IndexScan> scan_of(std::shared_ptr<const Index> index, const Node &selector,
                                 const Query &query) {
    IndexScan scan;
    Prefixes prefixes(key_begin(*index, query));
    auto last = IntervalSet::all();
    std::vector<selector::Path> said; // columns whose conditions the spans hold
    bool open = true;                 // the columns so far have one value each, mostly
    bool only_points = true;          // they all have
    for (const auto &column : index->definition().columns) {
        auto values = IntervalSet::all();
        if (column.element) {
            auto elements = elements_at(selector, column.path, *column.element);
            if (!elements)
                return std::nullopt;
            scan.elements = open ? *elements : IntervalSet::all();
            values = std::move(*elements);
        } else if (open) {
            values = values_at(selector, column.path);
            said.push_back(column.path);
        }
        if (!open)
            continue;
        if (!values.is_all())
            scan.narrowed_by.push_back(column.field);
        if (values.empty() || !prefixes.extend(values)) {
            last = std::move(values);
            open = false;
        } else {
            only_points = only_points && values.only_points();
            scan.point_columns += only_points ? 1 : 0;
        }
    }
    bool joined = false;
    scan.spans = std::move(prefixes).spans(last, joined);
    bool elements = index->definition().element_column() != nullptr;
    scan.exact = !elements && !joined && is_said_by(selector, said);
    scan.covering = is_covering(*index, query);
    scan.index = std::move(index);
    return scan;
}

} // namespace divan::mango
