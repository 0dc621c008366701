#pragma once

// What the sources of a query share (source.h); inside of this module.

#include "mango/source.h"

namespace divan::mango {

class Matching {
  public:
    explicit Matching(const SourceContext &context);

    bool matches(std::string_view text);
    // A call begins; whether it has done enough, so that others have their turn.
    void begin() { work_ = 0; }
    [[nodiscard]] bool is_enough() const { return work_ >= work_max_; }
    // Errors: bad_arg when too many regexes were given up.
    [[nodiscard]] Result<void> check() const;

    Statistics statistics;

  private:
    selector::Matcher matcher_;
    const std::uint64_t given_up_max_, work_max_, conditions_;
    std::uint64_t work_ = 0;
};

[[nodiscard]] Result<std::unique_ptr<views::ViewMoment>> open_moment(const SourceContext &context,
                                                                     const Index &index);
// REQUIRES: plan.kind == index
[[nodiscard]] Result<std::unique_ptr<Source>> open_index_source(const SourceContext &context,
                                                                const std::optional<Bookmark> &from);

} // namespace divan::mango
