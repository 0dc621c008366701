#include "mango/bookmark.h"

#include "base/encoding.h"
#include "selector/erlang_text.h"
#include "json/parser.h"
#include "json/writer.h"

#include <algorithm>

namespace divan::mango {
namespace {

constexpr std::int64_t kVersion = 1;

Error invalid(std::string_view text) {
    return {ErrorCode::bad_request, "invalid_bookmark",
            "Invalid bookmark value: " + selector::erlang_text(json::Value(text))};
}

std::optional<std::string> unpacked(std::string_view text) {
    std::string base64(text);
    std::replace(base64.begin(), base64.end(), '-', '+');
    std::replace(base64.begin(), base64.end(), '_', '/');
    base64.append((4 - base64.size() % 4) % 4, '=');
    return base64_decode(base64);
}

} // namespace

std::string encode_bookmark(const Bookmark &bookmark) {
    json::Array parts{kVersion, bookmark.index, bookmark.key, bookmark.id};
    return base64_url_encode(json::to_text(json::Value(std::move(parts))));
}

Result<Bookmark> decode_bookmark(std::string_view text) {
    auto json = unpacked(text);
    auto value = json ? json::parse(*json) : Result<json::Value>(invalid(text));
    if (!value.ok() || !value->is_array() || value->array().size() != 4)
        return invalid(text);
    auto &parts = value->array();
    if (parts[0].as_int64() != kVersion || !parts[1].is_string() || !parts[3].is_string())
        return invalid(text);
    // A row of an index is named by its key, an array.
    const bool of_index = !parts[1].string().empty();
    if ((of_index && !parts[2].is_array()) || !(parts[2].is_array() || parts[2].is_null()))
        return invalid(text);
    return Bookmark{parts[1].string(), std::move(parts[2]), parts[3].string()};
}

} // namespace divan::mango
