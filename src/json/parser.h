#pragma once

// Text to Value. One bounded parser for everything that comes from outside.

#include "json/value.h"

#include <limits>

namespace divan::json {

// The limit for a text that was checked when it came in, under whatever limit was set then.
inline constexpr std::size_t kAnyDepth = std::numeric_limits<std::size_t>::max();

struct ParseOptions {
    // Containers nested deeper than this are refused. The parser recurses: about 400 bytes of stack a level.
    std::size_t depth_max = 8'000;
    // Values this deep (the root is at depth 0) and deeper come back as Raw: their canonical text.
    // A document is parsed with 1: its members are texts, ready to be stored.
    std::size_t raw_depth = std::numeric_limits<std::size_t>::max();
};

// Parses one JSON value (RFC 8259) with nothing but white space around it.
// Errors: bad_request, "invalid UTF-8 JSON" as CouchDB says, for anything malformed: bad syntax,
// invalid UTF-8, a byte order mark, lone surrogates, control characters in strings, an empty text,
// a number that no double can hold (1e400); with its own reason when the depth is exceeded.
// Thread-safe. Linear time and memory, also for objects with many members.
[[nodiscard]] Result<Value> parse(std::string_view text, const ParseOptions &options = {});

} // namespace divan::json
