#include "views/row_range.h"

#include "base/bytes.h"
#include "collation/sort_key.h"

#include <algorithm>

namespace divan::views {
namespace {

// Rows whose keys are cut and begin alike are in memory together.
constexpr std::size_t kCutRowsMax = 10'000;
constexpr std::size_t kRowsBytesMax = 4 << 20;
constexpr std::uint64_t kSkipByReadingMax = 2 * kFanout;

std::string_view beginning(std::string_view key) {
    return key.substr(0, kFullKeyBytesMax);
}

// The smallest span of stored keys that has all rows of a span of full keys.
Span stored_span(const FullSpan &span) {
    Span stored{std::string(beginning(span.begin)), span.end};
    if (is_cut(span.end))
        stored.end = prefix_end(beginning(span.end));
    return stored;
}

bool lies_in(const FullSpan &span, std::string_view full) {
    return full >= span.begin && (span.end.empty() || full < span.end);
}

// The rest of the cut rows that begin like the last row of `found`.
Result<void> read_alike(const MapRows &rows, bool descending, std::vector<LoadedRow> &found) {
    auto alike = std::string(beginning(found.back().stored));
    Span span{alike, prefix_end(alike)};
    (descending ? span.end : span.begin) = descending ? found.back().stored : found.back().stored + '\0';
    auto request = scan_level(rows, 0, span);
    request.reverse = descending;
    auto prefix_size = row_prefix(rows.index, rows.map).size();
    for (std::size_t count = 0;;) {
        DIVAN_TRY(auto page, rows.engine.scan(request));
        for (std::size_t i = 0; i < page.size(); ++i) {
            auto key = page.key(i).substr(prefix_size);
            if (!is_cut(key))
                return {}; // downwards: a key that is just the beginning
            DIVAN_TRY(auto row, load_row(rows, key, page.value(i)));
            found.push_back(std::move(row));
        }
        if (!page.more)
            return {};
        count += page.size();
        if (count > kCutRowsMax)
            return Error(ErrorCode::internal_server_error,
                         "Too many view keys begin with the same 2,000 bytes: emit shorter keys.");
        (descending ? request.end : request.begin) =
            std::string(page.key(page.size() - 1)) + (descending ? "" : std::string(1, '\0'));
    }
}

// Cut rows that begin alike stand in the order of their hashes; this is that of their full keys.
void order_cut_rows(std::vector<LoadedRow> &rows, bool descending) {
    for (auto begin = rows.begin(); begin != rows.end();) {
        auto end = begin + 1;
        if (is_cut(begin->stored)) {
            while (end != rows.end() && is_cut(end->stored) &&
                   beginning(end->stored) == beginning(begin->stored))
                ++end;
            std::sort(begin, end, [&](const LoadedRow &left, const LoadedRow &right) {
                return descending ? left.full > right.full : left.full < right.full;
            });
        }
        begin = end;
    }
}

// The cut rows that begin like `bound` and lie in `span`; nothing for a bound that is not cut.
Result<std::vector<LoadedRow>> rows_at(const MapRows &rows, const std::string &bound, const FullSpan &span) {
    std::vector<LoadedRow> inside;
    if (!is_cut(bound))
        return inside;
    auto alike = std::string(beginning(bound));
    auto whole = FullSpan{alike, prefix_end(alike)};
    DIVAN_TRY(auto found, read_rows(rows, whole, false, kCutRowsMax + 1));
    for (auto &row : found.rows)
        if (lies_in(span, row.full))
            inside.push_back(std::move(row));
    return inside;
}

// What lies between the rows that begin like a cut bound.
Span between(const FullSpan &span) {
    Span inner{span.begin, span.end};
    if (is_cut(span.begin))
        inner.begin = prefix_end(beginning(span.begin));
    if (is_cut(span.end))
        inner.end = std::string(beginning(span.end));
    return inner;
}

struct Edges {
    std::vector<LoadedRow> rows; // those at cut bounds
    std::optional<Span> inner;
};

Result<Edges> edges_of(const MapRows &rows, const FullSpan &span) {
    Edges edges;
    if (span.empty())
        return edges;
    DIVAN_TRY(edges.rows, rows_at(rows, span.begin, span));
    if (!is_cut(span.end) || !is_cut(span.begin) || beginning(span.begin) != beginning(span.end)) {
        DIVAN_TRY(auto others, rows_at(rows, span.end, span));
        std::move(others.begin(), others.end(), std::back_inserter(edges.rows));
    }
    auto inner = between(span);
    if (inner.end.empty() || inner.begin < inner.end)
        edges.inner = std::move(inner);
    return edges;
}

} // namespace

FullSpan full_span(const KeyRange &range, collation::Order order) {
    std::string prefix;
    if (range.partition)
        append_partition(prefix, *range.partition);
    auto bound = [&](const std::optional<json::Value> &key, const std::optional<std::string> &id) {
        auto bytes = prefix;
        collation::append_sort_key(bytes, *key, order);
        if (id)
            collation::append_bytes(bytes, *id);
        return bytes;
    };
    const auto &low = range.descending ? range.end : range.start;
    const auto &low_id = range.descending ? range.end_id : range.start_id;
    const auto &high = range.descending ? range.start : range.end;
    const auto &high_id = range.descending ? range.start_id : range.end_id;
    bool low_inclusive = !range.descending || range.inclusive_end;
    bool high_inclusive = range.descending || range.inclusive_end;
    FullSpan span;
    if (range.partition)
        span = {prefix, prefix_end(prefix)};
    if (low) {
        span.begin = bound(low, low_id);
        if (!low_inclusive)
            span.begin = prefix_end(span.begin);
    }
    if (high) {
        span.end = bound(high, high_id);
        if (high_inclusive)
            span.end = prefix_end(span.end);
    }
    return span;
}

Result<RowsRead> read_rows(const MapRows &rows, const FullSpan &span, bool descending, std::size_t rows_max) {
    RowsRead read;
    if (span.empty() || rows_max == 0)
        return read;
    auto request = scan_level(rows, 0, stored_span(span));
    request.reverse = descending;
    request.bytes_max = kRowsBytesMax;
    auto prefix_size = row_prefix(rows.index, rows.map).size();
    bool cut = false;
    do {
        request.rows_max = rows_max - read.rows.size();
        DIVAN_TRY(auto page, rows.engine.scan(request));
        std::vector<LoadedRow> found;
        found.reserve(page.size());
        for (std::size_t i = 0; i < page.size(); ++i) {
            DIVAN_TRY(auto row, load_row(rows, page.key(i).substr(prefix_size), page.value(i)));
            found.push_back(std::move(row));
        }
        read.more = page.more;
        cut = !found.empty() && is_cut(found.back().stored);
        if (cut) {
            DIVAN_TRY_VOID(read_alike(rows, descending, found));
        }
        if (!found.empty()) {
            auto further = [&](const LoadedRow &left, const LoadedRow &right) {
                return descending ? left.stored > right.stored : left.stored < right.stored;
            };
            const auto &last = cut ? *std::max_element(found.begin(), found.end(), further) : found.back();
            auto bound = row_prefix(rows.index, rows.map) + last.stored;
            (descending ? request.end : request.begin) = descending ? bound : bound + '\0';
        }
        order_cut_rows(found, descending);
        for (auto &row : found)
            if (lies_in(span, row.full))
                read.rows.push_back(std::move(row));
        // Only rows at a cut bound can lie outside: then there may be none yet.
    } while (read.rows.empty() && read.more);
    if (read.rows.size() > rows_max) {
        read.rows.resize(rows_max);
        read.more = true;
    }
    return read;
}

Result<RowsOfSpan> read_row_views(const MapRows &rows, const FullSpan &span, bool descending,
                                  std::size_t rows_max) {
    RowsOfSpan out;
    if (span.empty() || rows_max == 0)
        return out;
    const auto prefix_size = row_prefix(rows.index, rows.map).size();
    if (!is_cut(span.begin) && !is_cut(span.end)) {
        auto request = scan_level(rows, 0, {span.begin, span.end});
        request.reverse = descending;
        request.bytes_max = kRowsBytesMax;
        request.rows_max = rows_max;
        DIVAN_TRY(auto page, rows.engine.scan(request));
        auto kept = std::make_shared<kv::Page>(std::move(page));
        out.rows.reserve(kept->size());
        std::optional<PlainRow> row;
        for (std::size_t i = 0; i < kept->size(); ++i) {
            row = plain_row(kept->key(i).substr(prefix_size), kept->value(i));
            if (!row)
                break;
            out.rows.push_back({row->id, row->key});
        }
        if (kept->empty() || row) {
            out.more = kept->more;
            if (row)
                out.last = kept->key(kept->size() - 1).substr(prefix_size);
            out.storage = std::move(kept);
            return out;
        }
        out.rows.clear();
    }
    DIVAN_TRY(auto read, read_rows(rows, span, descending, rows_max));
    auto kept = std::make_shared<std::vector<LoadedRow>>(std::move(read.rows));
    for (const auto &row : *kept)
        out.rows.push_back({row.id, row.key});
    out.more = read.more;
    if (!kept->empty())
        out.last = kept->back().full;
    out.storage = std::move(kept);
    return out;
}

Result<Pieces> pieces_of(const MapRows &rows, const FullSpan &span, std::size_t reduce) {
    DIVAN_TRY(auto edges, edges_of(rows, span));
    Pieces pieces;
    if (edges.inner) {
        DIVAN_TRY(pieces, pieces_of(rows, *edges.inner, reduce));
    }
    std::move(edges.rows.begin(), edges.rows.end(), std::back_inserter(pieces.rows));
    return pieces;
}

Result<std::uint64_t> count_rows(const MapRows &rows, const FullSpan &span) {
    DIVAN_TRY(auto edges, edges_of(rows, span));
    std::uint64_t count = edges.rows.size();
    if (edges.inner) {
        DIVAN_TRY(auto inner, count_rows(rows, *edges.inner));
        count += inner;
    }
    return count;
}

Result<FullSpan> skip_rows(const MapRows &rows, const FullSpan &span, bool descending,
                           std::uint64_t row_count, std::uint64_t skip) {
    auto rest = span;
    auto skip_by_reading = [&](std::uint64_t count) -> Result<void> {
        while (count > 0) {
            DIVAN_TRY(auto read, read_rows(rows, rest, descending, static_cast<std::size_t>(count)));
            if (read.rows.empty())
                return {};
            count -= read.rows.size();
            const auto &last = read.rows.back().full;
            (descending ? rest.end : rest.begin) = descending ? last : last + '\0';
        }
        return {};
    };
    if (skip <= kSkipByReadingMax) {
        DIVAN_TRY_VOID(skip_by_reading(skip));
        return rest;
    }
    // The row that so many lie before, from the beginning of the map.
    std::uint64_t before = 0;
    if (descending || !span.begin.empty()) { // an empty end would be that of the map
        DIVAN_TRY(before, count_rows(rows, FullSpan{{}, descending ? span.end : span.begin}));
    }
    FullSpan none{"x", "x"};
    if (descending ? skip >= before : before + skip >= row_count)
        return none;
    auto rank = descending ? before - skip - 1 : before + skip;
    DIVAN_TRY(auto key, key_at(rows, rank));
    if (key.empty())
        return none;
    if (is_cut(key)) {
        // Among the rows that begin alike the rank is that of the stored order: count them anew.
        auto alike = std::string(beginning(key));
        FullSpan group{alike, prefix_end(alike)};
        DIVAN_TRY(auto group_begin, count_rows(rows, Span{{}, group.begin}));
        DIVAN_TRY(auto group_rows, count_rows(rows, Span{group.begin, group.end}));
        (descending ? rest.end : rest.begin) = descending ? group.end : group.begin;
        DIVAN_TRY_VOID(
            skip_by_reading(descending ? group_begin + group_rows - rank - 1 : rank - group_begin));
        return rest;
    }
    (descending ? rest.end : rest.begin) = descending ? key + '\0' : key;
    return rest;
}

} // namespace divan::views
