#include "views/levels.h"

#include "base/bytes.h"

#include <bit>
#include <functional>
#include <xxhash.h>

namespace divan::views {
namespace {

constexpr std::size_t kRowsPerScan = 4 * kFanout;

std::string prefix_of(const MapRows &rows, unsigned level) {
    return level == 0 ? row_prefix(rows.index, rows.map) : level_prefix(rows.index, rows.map, level);
}

// Visits a span from the topmost level down: whole entries where they lie inside, rows at the edges.
class Walk {
  public:
    // Whether the entry's value serves; otherwise what lies below is visited.
    using EntryVisitor = std::function<Result<bool>(std::string_view value)>;
    using RowVisitor = std::function<Result<void>(std::string_view stored, std::string_view value)>;

    Walk(const MapRows &rows, bool values, EntryVisitor entry, RowVisitor row)
        : rows_(rows), values_(values), entry_(std::move(entry)), row_(std::move(row)) {}

    // `whole_end`: an entry of the level below begins at the end, or there is nothing behind it.
    Result<void> visit(unsigned level, const Span &span, bool whole_end) {
        auto request = scan_level(rows_, level, span);
        request.keys_only = level == 0 && !values_;
        request.rows_max = kRowsPerScan;
        auto prefix_size = prefix_of(rows_, level).size();
        bool first = true;
        std::string waiting_key; // the last entry read, whose end is not known yet
        std::string waiting_value;
        for (;;) {
            DIVAN_TRY(auto page, rows_.engine.scan(request));
            for (std::size_t i = 0; i < page.size(); ++i) {
                auto key = page.key(i).substr(prefix_size);
                if (level == 0) {
                    DIVAN_TRY_VOID(row_(key, page.value(i)));
                    continue;
                }
                if (!first) {
                    DIVAN_TRY_VOID(take(level, {waiting_key, std::string(key)}, waiting_value));
                } else if (key != span.begin) {
                    DIVAN_TRY_VOID(visit(level - 1, {span.begin, std::string(key)}, true));
                }
                first = false;
                waiting_key = key;
                waiting_value = page.value(i);
            }
            if (!page.more)
                break;
            request.begin = std::string(page.key(page.size() - 1)) + '\0';
        }
        if (level == 0)
            return {};
        if (first)
            return visit(level - 1, span, whole_end);
        if (whole_end)
            return take(level, {waiting_key, span.end}, waiting_value);
        return visit(level - 1, {waiting_key, span.end}, false);
    }

  private:
    Result<void> take(unsigned level, const Span &span, std::string_view value) {
        DIVAN_TRY(auto served, entry_(value));
        return served ? Result<void>() : visit(level - 1, span, true);
    }

    const MapRows &rows_;
    bool values_;
    EntryVisitor entry_;
    RowVisitor row_;
};

} // namespace

unsigned rank_of(std::string_view stored) {
    auto hash = XXH3_64bits(stored.data(), stored.size());
    return static_cast<unsigned>(std::countr_zero(hash)) / kFanoutBits;
}

unsigned height_for(std::uint64_t row_count) {
    unsigned height = 0;
    while (row_count >> (height * kFanoutBits) >= 2 * kFanout)
        ++height;
    return height;
}

kv::ScanRequest scan_level(const MapRows &rows, unsigned level, const Span &span) {
    auto prefix = prefix_of(rows, level);
    kv::ScanRequest request;
    request.shard = rows.shard;
    request.table = kv::Table::index;
    request.snapshot = rows.snapshot;
    request.begin = prefix + span.begin;
    request.end = span.end.empty() ? prefix_end(prefix) : prefix + span.end;
    return request;
}

Result<LoadedRow> load_row(const MapRows &rows, std::string_view stored, std::string_view value) {
    DIVAN_TRY(auto row,
              read_row(rows.engine, rows.shard, rows.snapshot, rows.index, rows.map, stored, value));
    LoadedRow loaded;
    loaded.stored = stored;
    loaded.full = row.full_key.empty() ? loaded.stored : std::move(row.full_key);
    DIVAN_TRY(loaded.id, id_of_row(loaded.full, row.sort_key_bytes));
    loaded.key = std::move(row.key);
    loaded.value = std::move(row.value);
    loaded.sort_key_bytes = row.sort_key_bytes;
    return loaded;
}

Result<std::uint64_t> count_rows(const MapRows &rows, const Span &span) {
    std::uint64_t count = 0;
    Walk walk(
        rows, false,
        [&](std::string_view value) -> Result<bool> {
            DIVAN_TRY(auto inside, decode_level_count(value));
            count += inside;
            return true;
        },
        [&](std::string_view, std::string_view) -> Result<void> {
            ++count;
            return {};
        });
    DIVAN_TRY_VOID(walk.visit(rows.height, span, span.end.empty()));
    return count;
}

Result<std::string> key_at(const MapRows &rows, std::uint64_t before) {
    std::string begin;
    for (auto level = rows.height;; --level) {
        auto request = scan_level(rows, level, {begin, {}});
        request.rows_max = level == 0 ? std::min<std::uint64_t>(before + 1, kRowsPerScan) : kRowsPerScan;
        request.keys_only = level == 0;
        auto prefix_size = prefix_of(rows, level).size();
        bool found = false;
        while (!found) {
            DIVAN_TRY(auto page, rows.engine.scan(request));
            for (std::size_t i = 0; i < page.size() && !found; ++i) {
                std::uint64_t count = 1;
                if (level > 0) {
                    DIVAN_TRY(count, decode_level_count(page.value(i)));
                }
                found = before < count;
                if (found)
                    begin = page.key(i).substr(prefix_size);
                else
                    before -= count;
            }
            if (!found && !page.more)
                return std::string();
            if (!found)
                request.begin = std::string(page.key(page.size() - 1)) + '\0';
        }
        if (level == 0)
            return begin;
    }
}

Result<Pieces> pieces_of(const MapRows &rows, const Span &span, std::size_t reduce) {
    Pieces pieces;
    Walk walk(
        rows, true,
        [&](std::string_view value) -> Result<bool> {
            DIVAN_TRY(auto summary, decode_level_summary(value, reduce));
            // One that was too large to be kept is made again from what lies below.
            if (summary.empty())
                return false;
            pieces.summaries.emplace_back(summary);
            return true;
        },
        [&](std::string_view stored, std::string_view value) -> Result<void> {
            DIVAN_TRY(auto row, load_row(rows, stored, value));
            pieces.rows.push_back(std::move(row));
            return {};
        });
    DIVAN_TRY_VOID(walk.visit(rows.height, span, span.end.empty()));
    return pieces;
}

} // namespace divan::views
