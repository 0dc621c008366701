#pragma once

// CouchDB's built-in reduce functions, without JavaScript and without I/O. Rules: query-checklist in
// CouchDB's terms, couch_query_servers.erl and couch_mrview's documentation of _sum, _count, _stats,
// _approx_count_distinct, _top_N, _bottom_N, _first, _last.
//
// A summary stands for some rows: bytes that summaries of more rows are made of. It is stored. Its form:
//   _count                   the number in decimal digits
//   _sum                     the sum as JSON, error rows too
//   _stats                   the answer as JSON; of a failure '!' and the reason
//   _approx_count_distinct   's' and up to 128 hashes of keys (XXH3, 64 bits, big-endian, ascending),
//                            or 'd' and 2^11 registers of a HyperLogLog, a byte each
//   _top_N, _bottom_N        the values as sized JSON, the best one first
//   _first, _last            the value as JSON
// "?" stands for summaries that could not be read.
//
// Threads: any.

#include "base/result.h"
#include "script/pool.h"

#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace divan::views {

struct ReduceInput {
    std::string_view key; // canonical JSON text
    std::string_view value;
    std::string_view id = {}; // of the document; counts for the reduce limit of _sum
};

// When a reduce that does not shrink is an error, as in CouchDB: [query_server_config] reduce_limit.
struct ReduceLimits {
    bool on = true;
    std::size_t threshold_bytes = 5'000;
    double ratio = 2.0;
};

class BuiltinReduce {
  public:
    virtual ~BuiltinReduce() = default;
    // The summary of some rows, in the order of the index. Not empty.
    [[nodiscard]] virtual std::string reduce(std::span<const ReduceInput> rows) const = 0;
    // The summary of summaries of neighbouring stretches of rows, in that order. Not empty. Summaries come
    // from disk: what cannot be read gives a summary that finish() answers with an error.
    [[nodiscard]] virtual std::string combine(std::span<const std::string_view> summaries) const = 0;
    // What clients see: a JSON text (an error object where CouchDB answers 200 with one), or the error that
    // fails the query (_stats: "invalid_value").
    [[nodiscard]] virtual script::Outcome finish(std::string_view summary) const = 0;
    // _first and _last: the value of the first or last row; nothing needs to be kept for inner rows.
    enum class Ends : std::uint8_t { none, first, last };
    [[nodiscard]] virtual Ends ends() const { return Ends::none; }
};

// The function that a view's `reduce` names; null if it is JavaScript. As in CouchDB a name that begins with
// a known one counts as it ("_summ"). Errors: invalid_design_doc for an unknown name or a rank out of range.
// `limits` hold for _sum. The order of a view is not asked for: the functions rank by ICU's order in raw
// views, too, as in CouchDB.
[[nodiscard]] Result<std::unique_ptr<BuiltinReduce>> make_builtin_reduce(std::string_view source,
                                                                         const ReduceLimits &limits = {});

} // namespace divan::views
