#pragma once

// From a selector as it was written to its normal form (node.h), and back to JSON.
//
// Source of the rules, errors and their reasons: CouchDB 3.5 mango_selector:normalize and mango_error. As
// there, a first pass over the whole selector looks at operators and their arguments, a second at names of
// fields, a third moves negations: of several mistakes the one is told that CouchDB tells.
//
// Threads: any.

#include "base/result.h"
#include "selector/node.h"
#include "selector/selector.h"

namespace divan::selector {

[[nodiscard]] Result<Node> normalize(const json::Value &selector, const Limits &limits);

// Selector::to_json() and Selector::fields().
[[nodiscard]] json::Value node_to_json(const Node &node, bool shown);
void append_fields(std::vector<std::string> &fields, const Node &node);

// Errors with CouchDB's words and reasons. Long values are cut in reasons.
[[nodiscard]] Error bad_argument(std::string_view operator_name, const json::Value &argument);
[[nodiscard]] Error beyond_limit(std::string reason);

} // namespace divan::selector
