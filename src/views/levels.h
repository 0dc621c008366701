#pragma once

// The counted, reduced tree over the rows of a map: what makes counts, offsets, skips and reduces over any
// range cost O(log rows).
//
// It is a skip list whose towers are chosen by the hash of the keys. A row whose hash ends in five zero bits
// also stands in level 1, one with ten in level 2, and so on: about every 32nd of the level below. An entry
// of a level holds the count and the summaries of all rows from its key up to the next entry of the level;
// the first entry of each level has the empty key. So the shape depends on the keys alone, an edit changes
// one entry of each level, and entries are small rows of the engine, written only where something changed.
//
// With `height` levels a map has about 2 to 64 entries in the topmost one. No levels below 64 rows.

#include "views/format.h"

#include <string>
#include <string_view>
#include <vector>

namespace divan::views {

inline constexpr unsigned kFanoutBits = 5;
inline constexpr std::uint64_t kFanout = 1u << kFanoutBits;

// In how many levels a stored key stands.
[[nodiscard]] unsigned rank_of(std::string_view stored);
// How many levels a map with so many rows should have.
[[nodiscard]] unsigned height_for(std::uint64_t row_count);

// One map of an index, as it is at a moment.
struct MapRows {
    kv::Engine &engine;
    kv::ShardId shard;
    IndexNumber index = 0;
    MapNumber map = 0;
    unsigned height = 0;
    const kv::Snapshot *snapshot = nullptr; // null = the newest state
};

// A range of stored keys: [begin, end); an empty `end` = to the end of the map.
struct Span {
    std::string begin;
    std::string end;
};

// A request for rows (level 0) or entries of a level in a span.
[[nodiscard]] kv::ScanRequest scan_level(const MapRows &rows, unsigned level, const Span &span);

struct LoadedRow {
    std::string stored; // key
    std::string full;   // full key
    std::string id;
    std::string key; // JSON texts
    std::string value;
    std::size_t sort_key_bytes = 0; // of the full key
};
[[nodiscard]] Result<LoadedRow> load_row(const MapRows &rows, std::string_view stored,
                                         std::string_view value);

// How many rows lie in a span.
[[nodiscard]] Result<std::uint64_t> count_rows(const MapRows &rows, const Span &span);
// The stored key of the row that `before` rows lie before; empty if there is none.
[[nodiscard]] Result<std::string> key_at(const MapRows &rows, std::uint64_t before);

// What the rows of a span are made of: rows at its edges, and entries for all between.
struct Pieces {
    std::vector<LoadedRow> rows;
    std::vector<std::string> summaries; // of one reduce
};
[[nodiscard]] Result<Pieces> pieces_of(const MapRows &rows, const Span &span, std::size_t reduce);

} // namespace divan::views
