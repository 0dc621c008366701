#pragma once

// A selector of a policy, which any number of threads match with.

#include "selector/selector.h"

#include <memory>
#include <mutex>
#include <string_view>
#include <vector>

namespace divan::access {

class SharedSelector {
  public:
    explicit SharedSelector(std::shared_ptr<const selector::Selector> selector)
        : selector_(std::move(selector)) {}
    // `json`: canonical text of the members of a body, and perhaps special ones.
    [[nodiscard]] bool matches(std::string_view id, std::string_view json) const;

  private:
    std::shared_ptr<const selector::Selector> selector_;
    mutable std::mutex mutex_;
    mutable std::vector<selector::Matcher> idle_;
};

} // namespace divan::access
