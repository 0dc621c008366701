#pragma once

// The values of the rows of view indexes. Each begins with a format version, flags and the id of the key it
// is encrypted with (0 = plain), as those of db (db/format.h). docs/formats/views.md describes every byte.
// Decoders answer `corruption` for anything they did not write.

#include "db/types.h"
#include "kv/engine.h"
#include "views/row_key.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace divan::views {

// ---- a row of a map
struct StoredRow {
    std::size_t sort_key_bytes = 0;
    std::string full_key; // only of rows whose key is cut
    std::string key;      // JSON texts
    std::string value;
};
// How many parts a row needs besides its value; 0 for all but very large ones.
[[nodiscard]] std::uint32_t part_count(std::size_t row_bytes);
// Puts the row and its parts. Returns the number of parts. `key` and `value` are JSON texts.
std::uint32_t put_row(kv::WriteBatch &batch, IndexNumber index, MapNumber map, std::string_view full_key,
                      std::size_t sort_key_bytes, std::string_view key, std::string_view value);
void erase_row(kv::WriteBatch &batch, IndexNumber index, MapNumber map, std::string_view full_key,
               std::uint32_t parts);
// The row of a key and its value, reading its parts if it has any. `stored` is the key without prefix.
[[nodiscard]] Result<StoredRow> read_row(kv::Engine &engine, kv::ShardId shard, const kv::Snapshot *snapshot,
                                         IndexNumber index, MapNumber map, std::string_view stored,
                                         std::string_view value);

// The id and key of a row, borrowed; nothing for one that is cut, in parts or damaged, or whose id is not
// stored as it is: read_row() knows.
struct PlainRow {
    std::string_view id;
    std::string_view key;
};
[[nodiscard]] std::optional<PlainRow> plain_row(std::string_view stored, std::string_view value);

// ---- what a document has in the index
struct DocumentRow {
    MapNumber map = 0;
    std::uint64_t ordinal = 0;
    std::uint32_t parts = 0;
    std::uint64_t bytes = 0; // of key and value as JSON
    std::string sort_key;
};
struct DocumentEntry {
    std::string id;
    std::vector<DocumentRow> rows; // not empty
};
void put_document(kv::WriteBatch &batch, IndexNumber index, const DocumentEntry &entry);
// REQUIRES: `entry` is as it is stored.
void erase_document(kv::WriteBatch &batch, IndexNumber index, const DocumentEntry &entry);
// The entry of a value, reading its parts if it has any.
[[nodiscard]] Result<DocumentEntry> read_document(kv::Engine &engine, kv::ShardId shard, IndexNumber index,
                                                  std::string_view value);

// ---- an entry of a level: what lies between it and the next one (levels.h)
struct LevelEntry {
    std::uint64_t count = 0;
    std::vector<std::string> summaries; // of each reduce of the map
};
[[nodiscard]] std::string encode_level(const LevelEntry &entry);
[[nodiscard]] Result<LevelEntry> decode_level(std::string_view value);
// The same without what is not asked for: queries decode hundreds of entries.
[[nodiscard]] Result<std::uint64_t> decode_level_count(std::string_view value);
// Borrowed from `value`; empty if it is not kept.
[[nodiscard]] Result<std::string_view> decode_level_summary(std::string_view value, std::size_t reduce);

// ---- an index: what it is and how far it has come
struct MapState {
    std::uint64_t row_count = 0;
    unsigned height = 0; // levels above the rows
};
struct IndexRecord {
    std::string signature;
    std::string collator_version;
    bool live = false;    // queries read it; otherwise it is being built to replace one that is
    kv::Sequence born_at; // documents up to here were never in the index before they came
    kv::Sequence sequence;
    std::uint64_t purge_seq = 0;
    std::uint64_t external_bytes = 0; // of keys and values as JSON
    std::uint64_t stored_bytes = 0;   // of the rows that hold them
    std::vector<MapState> maps;
};
[[nodiscard]] std::string encode_record(const IndexRecord &record);
[[nodiscard]] Result<IndexRecord> decode_record(std::string_view value);

} // namespace divan::views
