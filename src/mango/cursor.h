#pragma once

// The answer to a query: documents page by page, and what stands behind them.
//
// A cursor holds no state of the engine between pages. Threads: one at a time, any; next() blocks on the
// engine.

#include "mango/source.h"

#include <memory>
#include <string>
#include <vector>

namespace divan::mango {

struct CursorOptions {
    std::uint64_t index_scan_warning_threshold = 10; // [mango]
    std::size_t sort_documents_max = 10'000; // [divan] mango_sort_documents_max: skip and limit together
    std::size_t groups_max = 10'000;         // [divan] mango_groups_max: held in memory
    std::size_t memory_bytes_max = 64 << 20; // [divan] mango_memory_bytes_max: of the documents or groups
    SourceOptions source;
};

class Cursor {
  public:
    virtual ~Cursor() = default;
    // Appends the texts of the next rows: documents, groups, values; false: there are no more. May append
    // none.
    virtual Result<bool> next(std::vector<std::string> &rows) = 0;
    // ---- when there are no more rows
    // Where the answer ended; the bookmark that was given if it had no rows; empty if there was none.
    [[nodiscard]] virtual std::string bookmark() const = 0;
    [[nodiscard]] virtual Statistics statistics() const = 0;
    // How many documents match; if it was asked for.
    [[nodiscard]] virtual std::optional<std::uint64_t> count() const { return {}; }
};

// `query` and `plan` outlive the cursor. Errors: invalid_bookmark; those of limits, with what to do.
[[nodiscard]] Result<std::unique_ptr<Cursor>> open_cursor(const SourceContext &context,
                                                          const CursorOptions &options);

// The warnings that CouchDB gives, and those for what Divan does besides.
struct Warnings {
    std::string text; // one a line; empty if there are none
    bool wrong_index = false;
    bool no_index = false;
    bool many_documents = false;
};
[[nodiscard]] Warnings warnings(const Query &query, const Plan &plan, const Statistics &statistics,
                                const CursorOptions &options);

} // namespace divan::mango
