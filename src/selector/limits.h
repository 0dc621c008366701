#pragma once

// Limits of selectors, from the settings `[divan] selector_*`.

#include "config/config.h"
#include "selector/selector.h"

namespace divan::selector {

// Of selectors that clients send.
[[nodiscard]] Limits limits(const config::Config &config);
// Of selectors that are stored. They were within the limits of their day, and lower ones must not take them
// out of use: their size has the bounds of the settings alone, matching has today's limits.
[[nodiscard]] Limits stored_limits(const config::Config &config);

} // namespace divan::selector
