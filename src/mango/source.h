#pragma once

// The documents of a plan that match, one after the other in its order.
//
// Threads: one at a time, any; calls block on the engine.

#include "db/database.h"
#include "mango/bookmark.h"
#include "mango/plan.h"
#include "selector/selector.h"
#include "views/views.h"

#include <functional>
#include <memory>
#include <optional>
#include <string_view>

namespace divan::mango {

// What `execution_stats` shows.
struct Statistics {
    std::uint64_t keys_examined = 0;
    std::uint64_t documents_examined = 0;
    std::uint64_t results_returned = 0;
    std::uint64_t regexes_given_up = 0;
};

struct SourceOptions {
    std::size_t rows_hint = 1'000; // how many matches are asked for, as far as it is known
    std::size_t rows_max = 10'000; // looked at in one call
    // Of one call: bytes of the texts that are matched, times the conditions of the selector.
    std::uint64_t work_max = 256 << 20;
    std::size_t union_documents_max = 10'000;
    std::uint64_t regexes_given_up_max = 100; // then the query ends
};

// A document that matches. Borrowed during the call.
struct Match {
    std::string_view id;
    std::string_view text; // of a covering index: only the fields that it has
    std::string_view key;  // of the row, JSON; empty for ids
};
// Whether to go on in this call.
using Visitor = std::function<bool(const Match &)>;

class Source {
  public:
    virtual ~Source() = default;
    // Visits the next matches until the visitor says so, and goes on behind them the next time; false: there
    // are no more. A call looks at a bounded number of rows, and at fewer when each takes long, so it may
    // visit none. Errors: bad_arg when too many regexes were given up.
    virtual Result<bool> next(const Visitor &visit) = 0;
    [[nodiscard]] virtual const Statistics &statistics() const = 0;
};

// Where rows come from. All outlive the source.
struct SourceContext {
    std::shared_ptr<db::Database> database;
    views::Views &views;
    const Query &query;
    const Plan &plan;
    SourceOptions options;
};

// Whether texts of matches have the fields of the answer and no others: they need not be matched, sorted or
// grouped.
[[nodiscard]] bool gives_answers(const SourceContext &context);

// `from`: goes on behind it. REQUIRES: indexes are as new as is wanted.
[[nodiscard]] Result<std::unique_ptr<Source>> open_source(const SourceContext &context,
                                                          const std::optional<Bookmark> &from);

// How many rows the spans of a scan have, in O(log rows) for each span.
[[nodiscard]] Result<std::uint64_t> count_rows(const SourceContext &context, const IndexScan &scan);

// The full key of a row of an index.
[[nodiscard]] std::string position_of(const Index &index, const std::string &partition,
                                      const json::Value &key, std::string_view id);

// The place behind all rows of an index whose first columns have these values.
[[nodiscard]] std::string group_end(const Index &index, const std::string &partition,
                                    const json::Value &values);

} // namespace divan::mango
