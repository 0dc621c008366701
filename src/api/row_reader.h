#pragma once

// Rows of views and listings: read page by page as JSON texts, written as CouchDB writes them.

#include "api/call.h"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace divan::api {

inline constexpr std::size_t kRowsPerPage = 1'000;

// Row texts behind each other in one text.
class RowTexts {
  public:
    explicit RowTexts(std::string_view separator) : separator_(separator) {}

    // The text to which the next row is to be appended.
    std::string &begin() {
        if (count_++ > 0)
            text_.append(separator_);
        begins_.push_back(text_.size());
        return text_;
    }
    // Rows begun so far, also those that were taken.
    [[nodiscard]] std::uint64_t count() const { return count_; }
    // Of what was not taken.
    [[nodiscard]] std::size_t bytes() const { return text_.size(); }
    // The text since it was taken last.
    [[nodiscard]] std::string take();
    // The same, row by row. REQUIRES: an empty separator.
    [[nodiscard]] std::vector<std::string> take_rows();

  private:
    std::string_view separator_;
    std::string text_;
    std::vector<std::size_t> begins_;
    std::uint64_t count_ = 0;
};

// Owns all that it reads from; calls may block, one at a time, on any thread.
class RowReader {
  public:
    virtual ~RowReader() = default;
    // The members before "rows", without a comma at the end: `"total_rows":3,"offset":0`. Called once, first.
    virtual Result<std::string> head() = 0;
    // Appends the rows of the next page, db::kPageBytesMax of text and one row at most; false: there are no
    // more.
    virtual Result<bool> next(RowTexts &rows) = 0;
};

// A reader and the pool for its calls.
struct RowQuery {
    std::unique_ptr<RowReader> reader;
    Executor *pool = nullptr;
};

// Answers {HEAD,"rows":[...]}. The first page is read before the status is sent, so that an early failure has
// its own.
Task<Result<void>> answer_rows(Call &call, RowQuery query);
// Answers {"results":[...]} of several.
Task<Result<void>> answer_row_sets(Call &call, std::vector<RowQuery> queries);

} // namespace divan::api
