#pragma once

// Where a page of a query ended, as clients get it: opaque, and valid on every node that has the same
// documents.
//
// Threads: values; any.

#include "base/result.h"
#include "json/value.h"

#include <string>
#include <string_view>

namespace divan::mango {

struct Bookmark {
    std::string index; // name_of() the index it goes on with; empty = ids
    json::Value
        key; // of the last row: of the index, or of what documents or groups were sorted by; null = none
    std::string id; // of the last document; empty for groups: behind all rows that begin with the key
};

[[nodiscard]] std::string encode_bookmark(const Bookmark &bookmark);
// Errors: bad_request "invalid_bookmark" for anything that encode_bookmark() did not give.
[[nodiscard]] Result<Bookmark> decode_bookmark(std::string_view text);

} // namespace divan::mango
