#pragma once

// The sort key of a string: the bytes of ucol_getSortKey() with the root collator, which hold no 0 and end
// with one. ASCII strings, which most keys are, do not need ICU: see ascii_key.h.

#include <string>
#include <string_view>

namespace divan::collation {

// REQUIRES: UTF-8, fewer than 2^28 bytes.
void append_string_key(std::string &out, std::string_view utf8);
// The same for what is known to be ASCII.
void append_ascii_key(std::string &out, std::string_view ascii);
// The same, always by ICU: what the others are held against.
void append_icu_key(std::string &out, std::string_view utf8);

} // namespace divan::collation
