#pragma once

// How a query is answered: what is read, and in which order it comes.
//
// CouchDB's choice of an index (index_choice.h) is the base, so that the same documents come in the same
// order. On it Divan reads less: the ranges of `$in`, of `$or` on one field and of several columns at once;
// the index with the fewest rows, if several will do; indexes of elements of arrays; for `$or` on several
// fields the union of several indexes, in the order of ids as CouchDB's scan gives it.
//
// Threads: values; any. No I/O but through the estimator.

#include "mango/index_choice.h"
#include "mango/intervals.h"
#include "views/view.h"

#include <memory>
#include <string>
#include <vector>

namespace divan::mango {

struct IndexScan {
    std::shared_ptr<const Index> index;
    std::vector<views::RowSpan> spans; // ascending, disjoint
    // How many of the first columns have but one value in each span.
    std::size_t point_columns = 0;
    // The columns whose conditions made the spans narrower.
    std::vector<std::string> narrowed_by;
    bool covering = false; // rows have every field that is needed: no document is read
    bool exact = false;    // every row of the spans matches
    // Of an index of elements: those that the spans can have. A document comes with the first of them.
    IntervalSet elements;
    std::optional<std::uint64_t> estimated_rows;
};

struct Plan {
    enum class Kind : std::uint8_t {
        nothing,   // no document can match
        documents, // documents in the order of their ids
        index,     // rows of one index in their order
        any_index, // documents of several indexes, in the order of their ids
    };
    Kind kind = Kind::documents;
    std::vector<IndexScan> scans;         // one of an index; several of any_index
    IntervalSet ids = IntervalSet::all(); // other documents need not be looked at; within the partition
    bool descending = false;
    bool sort_in_memory = false;
    // How many of the first columns of the index tell groups apart, which then come one after the other;
    // 0: they do not.
    std::size_t group_columns = 0;
    // What `_explain` and the warnings speak of.
    IndexChoice choice;

    [[nodiscard]] const IndexScan &scan() const { return scans.front(); } // REQUIRES: index
    // The index that answers, for warnings; null if it is ids or several.
    [[nodiscard]] const Index *index() const;
};

// What a planner asks of a database. Errors are those of reading.
class Estimator {
  public:
    virtual ~Estimator() = default;
    virtual Result<std::uint64_t> rows(const Index &index, std::span<const views::RowSpan> spans) = 0;
    virtual Result<std::uint64_t> documents() = 0;
};

struct PlanOptions {
    bool database_partitioned = false;
    bool explain = false;
    std::size_t union_documents_max = 10'000; // [divan] mango_union_documents_max
};

// What a bookmark goes on with: the order of an index, of ids, or of what was put in order in memory. In the
// last case any plan will do that finds the same documents.
struct Pinned {
    std::string index; // name_of() it; empty: none
    bool in_memory = false;
};

// `pinned`: nothing without a bookmark.
[[nodiscard]] Result<Plan> make_plan(const Indexes &indexes, const Query &query,
                                     const std::optional<Pinned> &pinned, Estimator &estimator,
                                     const PlanOptions &options);
// "DESIGN/NAME"; empty for the special index.
[[nodiscard]] std::string name_of(const Index &index);

// The spans of an index that a selector leaves. Nothing if the index cannot answer it: an index of elements
// of which no condition speaks.
[[nodiscard]] std::optional<IndexScan> scan_of(std::shared_ptr<const Index> index,
                                               const selector::Node &selector, const Query &query);

} // namespace divan::mango
