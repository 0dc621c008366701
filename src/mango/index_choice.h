#pragma once

// Which index CouchDB 3.5 uses for a query, and why not the others. (mango_idx.erl, mango_cursor.erl,
// mango_cursor_view.erl)
//
// Threads: values; any. No I/O.

#include "mango/indexes.h"
#include "mango/query.h"
#include "mango/ranges.h"

#include <optional>
#include <string_view>
#include <vector>

namespace divan::mango {

// Why an index is not used; names as `_explain` shows them.
enum class Reason : std::uint8_t {
    alphabetically_comes_after,
    excluded_by_user,
    field_mismatch,
    is_partial,
    less_overlap,
    needs_text_search,
    scope_mismatch,
    sort_order_mismatch,
    too_many_fields,
    unfavored_type,
};
[[nodiscard]] std::string_view reason_name(Reason reason);

struct Candidate {
    std::shared_ptr<const Index> index;
    bool usable = false;
    Reason reason = Reason::unfavored_type;
    std::uint64_t ranking = 0;
    std::optional<bool> covering; // nothing for the special index
};

struct IndexChoice {
    std::shared_ptr<const Index> index; // null: none is usable, which only `_explain` may go on with
    std::vector<FieldRange> ranges;     // of its first columns
    // No document can match, so that CouchDB does not look for one.
    bool void_range = false;
    // The others of the chosen index's type that could be used instead, best first, and the chosen one.
    Indexes usable;
    std::vector<Candidate> candidates;
};

// Errors: bad_request "no_usable_index", whose reason names the index to make, unless `explain`;
// "invalid_index" if the query allows no other index than one that does not do.
[[nodiscard]] Result<IndexChoice> choose_index(const Indexes &indexes, const Query &query,
                                               bool database_partitioned, bool explain);

// The name of a design document, given with or without "_design/".
[[nodiscard]] std::string_view design_name(std::string_view name);
// Whether `use_index` names it.
[[nodiscard]] bool is_asked_for(const Index &index, const Query &query);
// Whether the columns hold every field that the selector and the answer need.
[[nodiscard]] bool is_covering(const Index &index, const Query &query);
// Whether every document that matches has all these fields.
[[nodiscard]] bool requires_fields(const selector::Node &selector, std::vector<selector::Path> fields);
// Whether the columns have the order of the sort; columns that are equal to something may come before.
[[nodiscard]] bool has_order(std::span<const std::string> columns, const Query &query);
// An index that the query could use, to be told to who needs one: {"index":{"fields":[...]}}.
[[nodiscard]] std::string missing_index(const Query &query);

} // namespace divan::mango
