#pragma once

// The limits of a scan, applied in one place for every engine.

#include "kv/engine.h"

namespace divan::kv {

// Fills the page of one scan. Not thread-safe. Borrows the request.
class PageFiller {
  public:
    explicit PageFiller(const ScanRequest &request) : request_(request) {}

    // Adds the next row of the range. False: a limit was reached, the row is not in the page, the
    // page says `more`, and the scan is over.
    bool add(std::string_view key, std::string_view value);
    [[nodiscard]] Page take() { return std::move(page_); }

  private:
    const ScanRequest &request_;
    Page page_;
};

// The range of the request cannot hold a row, because its end is not after its begin.
[[nodiscard]] bool range_is_empty(std::string_view begin, std::string_view end);

} // namespace divan::kv
