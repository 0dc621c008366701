#pragma once

// Text to Value. One bounded parser for everything that comes from outside.

#include "json/value.h"

#include <functional>
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
    // Equal members of an object are an error, at every depth: for what is signed, where another reader may
    // have taken the first of them.
    bool refuse_equal_members = false;
};

// Parses one JSON value (RFC 8259) with nothing but white space around it.
// Errors: bad_request, "invalid UTF-8 JSON" as CouchDB says, for anything malformed: bad syntax,
// invalid UTF-8, a byte order mark, lone surrogates, control characters in strings, an empty text,
// a number that no double can hold (1e400); with its own reason when the depth is exceeded.
// Thread-safe. Linear time and memory, also for objects with many members.
[[nodiscard]] Result<Value> parse(std::string_view text, const ParseOptions &options = {});

// Takes the elements of a large array as they are parsed.
struct ElementSink {
    // An array begins: of equal members the last is valid, so what came before is to be forgotten.
    std::function<void()> begin;
    // The element, and its text inside the text that is parsed.
    std::function<void(Value, std::string_view)> element;
};

// As parse(), but the elements of the array that is the member `member` of the root object are given to
// `sink` and not kept: an empty array stands for them in the value returned. Elements are given before it
// is known whether the rest of the text is well formed.
[[nodiscard]] Result<Value> parse_elements(std::string_view text, std::string_view member,
                                           const ElementSink &sink, const ParseOptions &options = {});

} // namespace divan::json
