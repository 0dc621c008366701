#pragma once

// Cursors that are more than a source: inside of this module.

#include "mango/cursor.h"

namespace divan::mango {

// Documents sorted without an index: `skip` and `limit` of them are held in memory, whatever is looked at.
// Documents that lack a field of the sort are left out, as an index leaves them out. (sort_cursor.cc)
[[nodiscard]] Result<std::unique_ptr<Cursor>> open_sort_cursor(const SourceContext &context,
                                                               const CursorOptions &options);
// Groups and distinct values. (group_cursor.cc)
[[nodiscard]] Result<std::unique_ptr<Cursor>> open_group_cursor(const SourceContext &context,
                                                                const CursorOptions &options);

// How many documents match, without reading more than is needed.
[[nodiscard]] Result<std::uint64_t> count_matches(const SourceContext &context);

} // namespace divan::mango
