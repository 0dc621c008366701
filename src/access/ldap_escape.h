#pragma once

// Names that users type, as parts of filters and distinguished names: whatever is in them, they stay one
// value.

#include <string>
#include <string_view>

namespace divan::access {

// A value of a search filter (RFC 4515, section 3): * ( ) \ and NUL become \XX.
[[nodiscard]] std::string escape_filter_value(std::string_view value);
// A value of a distinguished name (RFC 4514, section 2.4); control characters are escaped, too.
[[nodiscard]] std::string escape_dn_value(std::string_view value);

// The template with every {name} and {dn} replaced by the value, escaped. What is put in is not looked
// through again: a name `{dn}` stays one.
[[nodiscard]] std::string expand_filter(std::string_view pattern, std::string_view name, std::string_view dn);
// The same for a template of a distinguished name, which knows {name} only.
[[nodiscard]] std::string expand_dn(std::string_view pattern, std::string_view name);

} // namespace divan::access
