#pragma once

// What `divan test` prints: lines for people, or one JSON object for each case.

#include "cli/test_run.h"

#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>

namespace divan::cli {

class TestReport {
  public:
    enum class Style { plain, color, json };

    explicit TestReport(Style style) : style_(style) {}

    void begin_file(const TestFile &file);
    // What is likely to be a mistake. With JSON on the standard error.
    void hint(std::string_view text);
    void add(const CaseResult &result);
    void end(std::chrono::duration<double> took) const;

    [[nodiscard]] bool all_passed() const { return failed_ == 0; }

  private:
    Style style_;
    std::string file_;
    std::size_t passed_ = 0;
    std::size_t failed_ = 0;
};

// The lines of one result, as people read them: what was expected above what came.
[[nodiscard]] std::string result_lines(const CaseResult &result, bool color);
// {"file", "name", "ok", "milliseconds", "differences": [{"where", "expected", "got"}], "reason"}
[[nodiscard]] std::string result_json(std::string_view file, const CaseResult &result);

} // namespace divan::cli
