#pragma once

// Strings as bytes in ICU's order. Inside of collation.

#include <string>
#include <string_view>

namespace divan::collation {

// Appends the sort key of ICU's root collator; it ends itself with 0. REQUIRES: valid UTF-8.
void append_string(std::string &out, std::string_view utf8);

} // namespace divan::collation
