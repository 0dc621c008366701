#pragma once

// Sets of values as stretches of bytes: which part of an ordered column a selector leaves.
//
// The bytes are sort keys of single values (collation/sort_key.h), or ids. A stretch [begin, end) holds every
// key from `begin` to before `end`; an empty `end` is no bound.
//
// Threads: values; any.

#include "selector/node.h"
#include "selector/path.h"

#include <optional>
#include <string>
#include <vector>

namespace divan::mango {

struct Interval {
    std::string begin;
    std::string end;
    // Of one value whose key is `begin`: a next column may follow it.
    bool is_point = false;
    friend bool operator==(const Interval &, const Interval &) = default;
};

// Disjoint, ascending.
class IntervalSet {
  public:
    [[nodiscard]] static IntervalSet all();
    [[nodiscard]] static IntervalSet none() { return {}; }
    [[nodiscard]] static IntervalSet of(Interval interval);
    // Sorts them and joins those that meet.
    [[nodiscard]] static IntervalSet of(std::vector<Interval> intervals);

    [[nodiscard]] bool is_all() const;
    [[nodiscard]] bool empty() const { return intervals_.empty(); }
    [[nodiscard]] bool only_points() const;
    [[nodiscard]] const std::vector<Interval> &intervals() const { return intervals_; }
    [[nodiscard]] bool contains(std::string_view key) const;
    // Where in the set: the number of the first interval that ends behind `key`.
    [[nodiscard]] std::size_t place(std::string_view key) const;

    [[nodiscard]] IntervalSet intersected(const IntervalSet &other) const;
    [[nodiscard]] IntervalSet united(const IntervalSet &other) const;

  private:
    std::vector<Interval> intervals_;
};

// The sort keys that a value at `path` can have in a document that matches: never too few, maybe too many.
// A document without a value there is not spoken of.
[[nodiscard]] IntervalSet values_at(const selector::Node &selector, const selector::Path &path);

// The same for an index of the elements of the array at `path`, of what stands at `element` in them: every
// document that matches has an element among these. Nothing if there may be documents that match and have
// none at all.
[[nodiscard]] std::optional<IntervalSet>
elements_at(const selector::Node &selector, const selector::Path &path, const selector::Path &element);

// The ids that the conditions on `_id` leave which every document must meet: by bytes, as CouchDB looks for
// them in `_all_docs`. (The selector compares ids once more, by ICU, as CouchDB does.)
[[nodiscard]] IntervalSet ids_of(const selector::Node &selector);

} // namespace divan::mango
