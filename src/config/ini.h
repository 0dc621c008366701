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

// The text with one value changed, added or (nullopt) removed; everything else stays as it is.
[[nodiscard]] std::string change_ini(std::string_view text, std::string_view section, std::string_view key,
                                     const std::string *value);

} // namespace divan::config
