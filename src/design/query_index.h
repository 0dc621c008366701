#pragma once

// A Mango index, as a view of a design document of the language "query" describes it:
//
//   "map": {"fields": {"type": "asc", "created_at": "asc"}, "partial_filter_selector": {...}},
//   "reduce": "_count", "options": {"def": {"fields": ["type", "created_at"]}}
//
// A document that has all the fields and matches the filter has a row, whose key is the array of their
// values. (CouchDB mango_idx_view.erl, mango_native_proc.erl.)
//
// One column may stand for the elements of an array, with a step "[]": "tags.[]", "items.[].sku". A document
// has a row for each value among the elements; a value that is no array counts as the one element of it when
// "[]" is the last step. CouchDB keeps such an index empty and never asks it.
//
// Threads: values; any.

#include "base/result.h"
#include "selector/selector.h"
#include "json/value.h"

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace divan::design {

struct IndexColumn {
    std::string field; // as it was written
    selector::Path path;
    // Behind the step "[]", for the elements of the array at `path`.
    std::optional<selector::Path> element;
};

struct QueryIndex {
    std::vector<IndexColumn> columns;
    std::shared_ptr<const selector::Selector> filter; // null = all documents
    // What `_index` shows: {"fields": [{"type": "asc"}, ...], "partial_filter_selector": {...}}.
    json::Value definition;

    // The column with a step "[]", if there is one.
    [[nodiscard]] const IndexColumn *element_column() const;
};

// Errors: bad_request for a column with an empty name or more than one "[]", for more than one column with
// "[]"; those of selectors.
[[nodiscard]] Result<IndexColumn> parse_index_column(std::string_view field);
// Reads the `map` object of a view. Errors: invalid_design_doc for what is no index; it has no rows, and is
// not listed, as in CouchDB.
[[nodiscard]] Result<QueryIndex> read_query_index(const json::Value &map, const selector::Limits &limits);

} // namespace divan::design
