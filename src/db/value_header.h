#pragma once

// What every stored value begins with: format version, flags, and the id of the key that the rest is
// encrypted with (0 = plain). One place, so that encryption comes to all values at once.
// docs/formats/documents.md

#include "base/bytes.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace divan::db {

void append_value_header(std::string &out, std::uint8_t flags);

// The flags. A version or key that this program does not know fails the reader.
std::uint8_t read_value_header(ByteReader &reader);

// A count of things that take at least one byte each of `value`, so that damaged input cannot ask for memory.
[[nodiscard]] std::size_t read_value_count(ByteReader &reader, std::string_view value);

} // namespace divan::db
