#include "views/row_key.h"

#include "base/bytes.h"
#include "collation/sort_key.h"

#include <xxhash.h>

namespace divan::views {
namespace {

constexpr char kRow = 'r';
constexpr char kLevel = 'l';
constexpr char kDocument = 'd';
constexpr char kDocumentPart = 'e';
constexpr char kRowPart = 'v';

std::string with_index(char kind, IndexNumber index) {
    std::string key(1, kind);
    append_u32(key, index);
    return key;
}

void append_map(std::string &key, MapNumber map) {
    append_u8(key, static_cast<std::uint8_t>(map >> 8));
    append_u8(key, static_cast<std::uint8_t>(map));
}

void append_hash(std::string &out, std::string_view bytes) {
    auto hash = XXH3_128bits(bytes.data(), bytes.size());
    append_u64(out, hash.high64);
    append_u64(out, hash.low64);
}

} // namespace

void append_partition(std::string &sort_key, std::string_view partition) {
    collation::append_bytes(sort_key, partition);
}

std::string document_row_prefix(std::string_view sort_key, std::string_view id) {
    std::string key;
    key.reserve(sort_key.size() + id.size() + 2);
    key.append(sort_key);
    collation::append_bytes(key, id);
    return key;
}

std::string full_row_key(std::string_view sort_key, std::string_view id, std::uint64_t ordinal) {
    auto key = document_row_prefix(sort_key, id);
    if (ordinal == 0)
        return key;
    // The number of its bytes first, so that numbers sort as they count.
    std::string digits;
    append_u64(digits, ordinal);
    auto begin = digits.find_first_not_of('\0');
    append_u8(key, static_cast<std::uint8_t>(digits.size() - begin));
    key.append(digits, begin);
    return key;
}

Result<std::string> id_of_row(std::string_view full_key, std::size_t sort_key_bytes) {
    std::string id;
    auto rest = full_key.substr(std::min(sort_key_bytes, full_key.size()));
    if (!collation::take_bytes(rest, id))
        return ErrorCode::corruption;
    return id;
}

std::string stored_key(std::string_view full_key) {
    if (full_key.size() <= kFullKeyBytesMax)
        return std::string(full_key);
    std::string key(full_key.substr(0, kFullKeyBytesMax));
    append_hash(key, full_key);
    return key;
}

std::string index_record(IndexNumber index) {
    return with_index(kIndexRecords[0], index);
}

std::string row_prefix(IndexNumber index, MapNumber map) {
    auto key = with_index(kRow, index);
    append_map(key, map);
    return key;
}

std::string level_prefix(IndexNumber index, MapNumber map, unsigned level) {
    auto key = with_index(kLevel, index);
    append_map(key, map);
    append_u8(key, static_cast<std::uint8_t>(level));
    return key;
}

std::string document_prefix(IndexNumber index) {
    return with_index(kDocument, index);
}

std::string document_entry(IndexNumber index, std::string_view id) {
    return document_prefix(index).append(stored_key(id));
}

std::string document_part(IndexNumber index, std::string_view id, std::uint32_t part) {
    auto key = with_index(kDocumentPart, index);
    append_hash(key, id);
    append_u32(key, part);
    return key;
}

std::string row_part(IndexNumber index, MapNumber map, std::string_view stored, std::uint32_t part) {
    auto key = with_index(kRowPart, index);
    append_map(key, map);
    append_hash(key, stored);
    append_u32(key, part);
    return key;
}

std::vector<std::string> all_prefixes(IndexNumber index) {
    std::vector<std::string> prefixes;
    for (char kind : {kIndexRecords[0], kRow, kLevel, kDocument, kDocumentPart, kRowPart})
        prefixes.push_back(with_index(kind, index));
    return prefixes;
}

} // namespace divan::views
