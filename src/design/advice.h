#pragma once

// What is likely to be a mistake in the views of a design document: told when it is saved and in `_info`,
// never a reason to refuse it. Guesses from the words of the source, without running it: comments and strings
// are skipped.
//
// Threads: any. Linear in the size of the sources.

#include "design/design_document.h"

#include <string>
#include <vector>

namespace divan::design {

struct Advice {
    std::string view;
    std::string text; // a sentence: what is wrong and what to do
};

// In the order of the views:
// - a map that emits the whole document as value
// - a map that uses the time or chance: `new Date()`, `Date.now()`, `Math.random()`
// - a reduce that does what a built-in does: `_count`, `_sum`
// - a reduce that counts or collects its values and does not look at `rereduce`
[[nodiscard]] std::vector<Advice> advise(const DesignDocument &document);

} // namespace divan::design
