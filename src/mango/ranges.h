#pragma once

// Ranges of fields as CouchDB computes them: what its choice of an index depends on, and what `_explain`
// shows as start and end of a view query. What is read is decided by intervals.h. (CouchDB
// mango_idx_view.erl)
//
// Threads: values; any.

#include "selector/node.h"
#include "json/value.h"

#include <optional>
#include <span>
#include <string>
#include <vector>

namespace divan::mango {

struct FieldRange {
    std::string field;    // as CouchDB shows it
    bool nothing = false; // no value can match
    // Without a value there is no bound.
    std::optional<json::Value> low, high;
    bool low_inclusive = false, high_inclusive = false;
};

// Fields whose conditions can be ranges: those below `$and`, of comparisons, $exists and $beginsWith; unique,
// in order.
[[nodiscard]] std::vector<selector::Path> indexable_paths(const selector::Node &selector);
// Their ranges. One that no value can match is the only one given.
[[nodiscard]] std::vector<FieldRange> field_ranges(const selector::Node &selector);
// The ranges of the first columns, as far as there are ranges.
[[nodiscard]] std::vector<FieldRange> prefix_ranges(std::span<const std::string> columns,
                                                    std::span<const FieldRange> ranges);

// The keys of a view query, as `_explain` shows them: of a json index, and of `_all_docs`.
struct ShownKeys {
    json::Value start, end;
};
[[nodiscard]] ShownKeys shown_keys(std::span<const FieldRange> prefix);
[[nodiscard]] ShownKeys shown_ids(std::span<const FieldRange> prefix);

} // namespace divan::mango
