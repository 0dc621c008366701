#pragma once

// Patterns of database names in policies: `*` stands for any characters, also none; everything else for
// itself.

#include "base/result.h"

#include <string_view>

namespace divan::access {

// Linear in both for each `*`. Pure.
[[nodiscard]] bool matches_pattern(std::string_view pattern, std::string_view name);
// Errors: bad_request for an empty pattern, or one that no database name could match.
[[nodiscard]] Result<void> check_pattern(std::string_view pattern);

} // namespace divan::access
