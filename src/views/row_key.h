#pragma once

// Keys of the rows of view indexes (kv::Table::index). docs/formats/views.md describes them.
//
// A row's full key is its sort key, the document's id and, for a document that emits equal keys, which of
// them it is: memcmp of full keys is the order of a view. The engine's keys are shorter: a full key beyond
// kFullKeyBytesMax is stored cut, with a hash behind. Cut rows with the same beginning stand together, so
// whoever reads one reads all of them and orders them by their full keys.

#include "base/result.h"
#include "json/value.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace divan::views {

// The number of an index within its database; never used again.
using IndexNumber = std::uint32_t;
// Which of the maps of an index.
using MapNumber = std::uint16_t;

inline constexpr std::size_t kFullKeyBytesMax = 2'000;
inline constexpr std::size_t kKeyHashBytes = 16;

// What the sort keys of a partition's rows begin with in an index that is partitioned: so the rows of a
// partition are one range.
void append_partition(std::string &sort_key, std::string_view partition);
[[nodiscard]] std::string full_row_key(std::string_view sort_key, std::string_view id, std::uint64_t ordinal);
// The part that all rows of a document with this key begin with, however many they are.
[[nodiscard]] std::string document_row_prefix(std::string_view sort_key, std::string_view id);
// The id of a full key whose sort key has this size.
[[nodiscard]] Result<std::string> id_of_row(std::string_view full_key, std::size_t sort_key_bytes);

// How a full key is stored: itself, or cut.
[[nodiscard]] std::string stored_key(std::string_view full_key);
[[nodiscard]] inline bool is_cut(std::string_view stored) {
    return stored.size() > kFullKeyBytesMax;
}

// Keys of engine rows.
inline constexpr std::string_view kIndexRecords = "g";
inline constexpr std::string_view kNextNumber = "N";
[[nodiscard]] std::string index_record(IndexNumber index);
[[nodiscard]] std::string row_prefix(IndexNumber index, MapNumber map);
// Rows of a level of the counted tree (levels.h).
[[nodiscard]] std::string level_prefix(IndexNumber index, MapNumber map, unsigned level);
// What a document has in the index, and the parts of it that do not fit into one row.
[[nodiscard]] std::string document_prefix(IndexNumber index);
[[nodiscard]] std::string document_entry(IndexNumber index, std::string_view id);
[[nodiscard]] std::string document_part(IndexNumber index, std::string_view id, std::uint32_t part);
// Parts of a row that is too large for one value.
[[nodiscard]] std::string row_part(IndexNumber index, MapNumber map, std::string_view stored,
                                   std::uint32_t part);
// Every kind of row of an index, to erase them.
[[nodiscard]] std::vector<std::string> all_prefixes(IndexNumber index);

} // namespace divan::views
