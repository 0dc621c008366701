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
class MatchCounter {
  public:
    explicit MatchCounter(const SourceContext &context) : context_(context) {}
    // Counts on; false: that is all.
    [[nodiscard]] Result<bool> next();
    [[nodiscard]] std::uint64_t count() const { return count_; }

  private:
    const SourceContext context_;
    std::unique_ptr<Source> source_;
    std::uint64_t count_ = 0;
};

} // namespace divan::mango
