#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace divan::crypto {

// SASLprep (RFC 4013): the form of a password that clients of SASL mechanisms agree on. Unassigned code
// points (of Unicode 3.2) pass, as for queries. Nullopt for what it prohibits: control characters, private
// use, mixed directions; for a text that is not UTF-8, and for more than 4,096 bytes. ASCII without control
// characters stays as it is. Thread-safe.
[[nodiscard]] std::optional<std::string> sasl_prepare(std::string_view text);

} // namespace divan::crypto
