#pragma once

// What the sources of a query share (source.h); inside of this module.

#include "mango/source.h"

namespace divan::mango {

class Matching {
  public:
    explicit Matching(const SourceContext &context)
        : matcher_(context.query.selector), given_up_max_(context.options.regexes_given_up_max) {}

    bool matches(std::string_view text);
    // Errors: bad_arg when too many regexes were given up.
    [[nodiscard]] Result<void> check() const;

    Statistics statistics;

  private:
    selector::Matcher matcher_;
    std::uint64_t given_up_max_;
};

[[nodiscard]] Result<std::unique_ptr<views::ViewMoment>> open_moment(const SourceContext &context,
                                                                     const Index &index);
// REQUIRES: plan.kind == index
[[nodiscard]] Result<std::unique_ptr<Source>> open_index_source(const SourceContext &context,
                                                                const std::optional<Bookmark> &from);

} // namespace divan::mango
