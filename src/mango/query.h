#pragma once

// What a `_find` or `_explain` asks for.
//
// Members, defaults and errors are CouchDB 3.5's (mango_opts.erl, mango_sort.erl, mango_fields.erl), but for
// the members that are marked: they are Divan's own, and a query without them is answered as CouchDB answers
// it.
//
// Threads: values; any.

#include "base/result.h"
#include "selector/selector.h"
#include "json/value.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace divan::mango {

struct SortField {
    std::string field;
    bool descending = false;
};

// ---- Divan's own
// What is computed of the documents of a group: {"revenue": {"sum": "total"}}, {"orders": "count"}.
enum class AggregateFunction : std::uint8_t { count, sum, min, max, avg, stats };
struct Aggregate {
    std::string name;
    AggregateFunction function = AggregateFunction::count;
    std::string field; // empty: count of documents
};

struct Query {
    std::shared_ptr<const selector::Selector> selector;
    std::vector<std::string> use_index; // nothing, [design document] or [design document, name]
    std::optional<std::string> bookmark;
    std::uint64_t limit = 25;
    std::uint64_t skip = 0;
    std::vector<SortField> sort;
    std::vector<std::string> fields; // empty = whole documents
    std::string partition;           // empty = the whole database
    std::uint64_t r = 1;             // above 1 only what `execution_stats` calls documents changes
    bool conflicts = false;
    bool stale_ok = false; // as update=false
    bool update = true;
    bool stable = false;
    bool execution_stats = false;
    bool allow_fallback = true;

    // ---- Divan's own
    bool count = false;                  // how many documents match, whatever limit and skip
    std::optional<std::string> distinct; // the values of a field, instead of documents
    std::vector<std::string> group_by;   // groups, instead of documents
    std::vector<Aggregate> aggregates;
    bool sort_in_memory = false; // where no index has the order; directions may differ then
    bool verbose = false;        // `_explain` shows Divan's plan, too

    [[nodiscard]] bool is_grouped() const { return distinct || !group_by.empty() || !aggregates.empty(); }
};

struct QueryDefaults {
    std::uint64_t limit = 25;        // [mango] default_limit
    bool sort_in_memory = false;     // [divan] mango_sort_in_memory
    std::size_t fields_max = 10'000; // that a query names, beside its selector
    selector::Limits selector;
};

// Reads a body. `partition`: of the path or the query string. Errors: bad_request with CouchDB's words:
// invalid_key, missing_required_key, invalid_sort_json, unsupported_mixed_sort, ...; "bad_request" if the
// body names another partition; "too_many_fields".
[[nodiscard]] Result<Query> read_query(const json::Object &body, const std::optional<std::string> &partition,
                                       const QueryDefaults &defaults);

// Reads a sort or the fields of an index.
[[nodiscard]] Result<std::vector<SortField>> read_sort(const json::Value &sort, bool mixed_allowed);
// Reads a `use_index`, or an entry of `docids` of `_index/_bulk_delete`.
[[nodiscard]] Result<std::vector<std::string>> read_use_index(const json::Value &value);

} // namespace divan::mango
