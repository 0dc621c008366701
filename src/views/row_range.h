#pragma once

// From ranges of keys to ranges of rows, and the rows of a range in their order.

#include "views/levels.h"
#include "views/view.h"

namespace divan::views {

using FullSpan = RowSpan;
[[nodiscard]] FullSpan full_span(const KeyRange &range, collation::Order order);

struct RowsRead {
    std::vector<LoadedRow> rows;
    bool more = false;
};
// At most `rows_max` rows of a span, from its begin, or from its end downwards. Ends early when rows are
// large; at least one row comes if there is one.
[[nodiscard]] Result<RowsRead> read_rows(const MapRows &rows, const FullSpan &span, bool descending,
                                         std::size_t rows_max);

// The same without values and, but for rare rows, without copies.
[[nodiscard]] Result<RowsOfSpan> read_row_views(const MapRows &rows, const FullSpan &span, bool descending,
                                                std::size_t rows_max);

// The rows of a span in pieces, and how many they are, in O(log rows).
[[nodiscard]] Result<Pieces> pieces_of(const MapRows &rows, const FullSpan &span, std::size_t reduce);
[[nodiscard]] Result<std::uint64_t> count_rows(const MapRows &rows, const FullSpan &span);
// The span without its first `skip` rows in the order of reading.
[[nodiscard]] Result<FullSpan> skip_rows(const MapRows &rows, const FullSpan &span, bool descending,
                                         std::uint64_t row_count, std::uint64_t skip);

} // namespace divan::views
