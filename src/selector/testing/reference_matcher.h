#pragma once

// Matching by definition: the selector as it was written, asked of the tree of a document. No normal form,
// no text, no sort keys.
//
// The rules are those of CouchDB 3.5. A condition asks the value at the place where it stands; if nothing is
// there it is false, but that the field does not exist is true if the last object on the way lacks it. A
// negation turns every condition below it into its opposite, `and` into `or`, and back: so a negated
// condition of a field that is not there is false too. An empty list is true either way. In $elemMatch and
// the like a negation is the opposite of the whole.

#include "json/value.h"

#include <functional>
#include <string_view>

namespace divan::selector::testing {

// Whether a pattern matches somewhere in a subject.
using RegexMatch = std::function<bool(std::string_view pattern, std::string_view subject)>;

// REQUIRES: a selector that compiles; no Raw in either.
[[nodiscard]] bool reference_matches(const json::Value &selector, const json::Value &document,
                                     const RegexMatch &regex);

// What stands at a path: null with `missing`, or without if the way is bad.
struct Place {
    const json::Value *value = nullptr;
    bool missing = false;
};
[[nodiscard]] Place reference_place(const json::Value &document, const std::vector<std::string> &steps);

} // namespace divan::selector::testing
