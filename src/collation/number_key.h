#pragma once

// Numbers as bytes in their order. Inside of collation.

#include <string>
#include <string_view>

namespace divan::collation {

// Appends a number's text so that memcmp orders by value, integers exactly. Equal values have equal bytes;
// the bytes end themselves. Texts with a point or an exponent are read as doubles first, as CouchDB does.
// REQUIRES: a JSON number that a double can hold, or an integer of any length.
void append_number(std::string &out, std::string_view text);

} // namespace divan::collation
