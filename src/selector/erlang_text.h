#pragma once

// How CouchDB's reasons show a value that is refused.

#include "json/value.h"

#include <string>

namespace divan::selector {

// As JSON, but for `{[]}`, an empty object; cut off when it is long. (CouchDB prints Erlang terms: strings as
// lists of their bytes.)
[[nodiscard]] std::string erlang_text(const json::Value &value);
// A text that is to be shown in a reason, cut off when it is long.
[[nodiscard]] std::string shortened(std::string text);

} // namespace divan::selector
