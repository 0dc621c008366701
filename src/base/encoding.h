#pragma once

// Text forms of bytes: hex, base64 and base32 (RFC 4648), percent-encoding (RFC 3986), UTF-8 (RFC 3629).

#include <optional>
#include <string>
#include <string_view>

namespace divan {

[[nodiscard]] std::string hex_encode(std::string_view bytes); // lower case
void append_hex(std::string &out, std::string_view bytes);    // the same
[[nodiscard]] std::optional<std::string> hex_decode(std::string_view text);

[[nodiscard]] std::string base64_encode(std::string_view bytes);     // with padding
[[nodiscard]] std::string base64_url_encode(std::string_view bytes); // without padding
// Both alphabets, padding optional, white space inside is skipped as CouchDB does (b64fast).
[[nodiscard]] std::optional<std::string> base64_decode(std::string_view text);
// Only the one text that the encoder makes of the bytes: no padding, nothing skipped, the bits left over at
// the end zero. What is signed or secret must not have two texts.
[[nodiscard]] std::optional<std::string> base64_url_decode_strict(std::string_view text);

[[nodiscard]] std::string base32_encode(std::string_view bytes); // upper case, with padding
// Either case, padding optional but of the right length; bits left over at the end are ignored, as CouchDB
// does.
[[nodiscard]] std::optional<std::string> base32_decode(std::string_view text);

// Encodes everything but unreserved characters (A-Z a-z 0-9 - . _ ~).
[[nodiscard]] std::string percent_encode(std::string_view text);
// nullopt for a malformed escape. `plus_is_space` turns '+' into ' '.
[[nodiscard]] std::optional<std::string> percent_decode(std::string_view text, bool plus_is_space);

// Whether a text is UTF-8 as RFC 3629 has it: no surrogates, no overlong forms.
[[nodiscard]] bool is_utf8(std::string_view text);
// The text, with a replacement character for every byte beyond ASCII if it is not UTF-8.
[[nodiscard]] std::string to_utf8(std::string_view text);

} // namespace divan
