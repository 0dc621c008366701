#pragma once

// CouchDB's ini files: [section], key = value, `;` comments, lines that begin with white space continue
// the value before them.

#include "base/result.h"

#include <map>
#include <string>
#include <string_view>

namespace divan::config {

// By section, by key. Keys keep their case, as in CouchDB.
using IniValues = std::map<std::string, std::map<std::string, std::string>>;

// Errors: bad_request naming the line.
[[nodiscard]] Result<IniValues> parse_ini(std::string_view text);

// Whether a file with this value reads back the same: no line ends or other control characters, no outer
// white space, nothing that begins a comment, no brackets, `=` in a value only.
[[nodiscard]] bool ini_can_hold(std::string_view section, std::string_view key, std::string_view value);

// REQUIRES: ini_can_hold.
// The text with one value changed, added or (nullopt) removed; everything else stays as it is.
[[nodiscard]] std::string change_ini(std::string_view text, std::string_view section, std::string_view key,
                                     const std::string *value);

} // namespace divan::config
