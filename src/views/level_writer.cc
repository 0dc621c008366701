#include "views/level_writer.h"

#include "base/bytes.h"

#include <algorithm>
#include <set>

namespace divan::views {
namespace {

constexpr std::size_t kChildrenPerScan = 2 * kFanout;
constexpr std::size_t kBytesPerScan = 256 << 10;
// Stretches whose children are in memory together.
constexpr std::size_t kStretchesPerStep = 256;
constexpr std::size_t kBuildRowsPerScan = 2'000;
// A larger summary is not kept: it is made again when it is asked for.
constexpr std::size_t kSummaryBytesMax = 64 << 10;

std::string level_key(const MapRows &rows, unsigned level, std::string_view key) {
    return level_prefix(rows.index, rows.map, level).append(key);
}

std::size_t prefix_size(const MapRows &rows, unsigned level) {
    return level == 0 ? row_prefix(rows.index, rows.map).size()
                      : level_prefix(rows.index, rows.map, level).size();
}

bool stands_in(std::string_view key, unsigned level) {
    return key.empty() || rank_of(key) >= level;
}

} // namespace

Result<void> LevelWriter::repair(const RowChanges &changes, kv::WriteBatch &batch) {
    if (rows_.height == 0 || changes.empty())
        return {};
    Changed changed;
    for (const auto &[key, row] : changes) {
        auto &child = changed[key];
        if (row) {
            child.emplace();
            child->key = key;
            child->entry.count = 1;
            if (reduces())
                child->row = *row;
        }
    }
    for (unsigned level = 1; level <= rows_.height; ++level) {
        DIVAN_TRY(changed, repair_level(level, changed, batch));
    }
    return {};
}

// For each change below: where the entry begins that it lies in, as the level will be.
Result<std::vector<std::string>> LevelWriter::begins(unsigned level, const Changed &below) {
    std::vector<std::string> ends;                           // looked for: the greatest stored key below each
    std::vector<std::string> added;                          // the greatest new key there
    std::map<std::string, std::size_t, std::less<>> removed; // and which search looks below it
    std::string newest;
    for (const auto &[key, child] : below) {
        bool boundary = stands_in(key, level);
        if (boundary) { // also what comes before it changes: it is cut off here, or goes on
            if (!child)
                removed.emplace(key, ends.size());
            ends.push_back(key);
            added.push_back(newest);
        }
        if (boundary && child)
            newest = key;
        ends.push_back(key + '\0');
        added.push_back(newest);
    }
    std::vector<kv::ScanRequest> requests;
    requests.reserve(ends.size());
    for (const auto &end : ends) {
        auto request = scan_level(rows_, level, {});
        request.end = level_key(rows_, level, end);
        request.reverse = true;
        request.keys_only = true;
        request.rows_max = 1;
        requests.push_back(std::move(request));
    }
    DIVAN_TRY(auto pages, rows_.engine.scan_many(requests));
    auto size = prefix_size(rows_, level);
    std::map<std::string, std::string, std::less<>> kept_before; // of what is removed
    auto kept = [&](std::size_t search) {
        auto stored = pages[search].empty() ? std::string_view() : pages[search].key(0).substr(size);
        auto found = kept_before.find(stored);
        return found == kept_before.end() ? std::string(stored) : found->second;
    };
    for (const auto &[key, search] : removed) // ascending: what lies before is known
        kept_before.emplace(key, kept(search));
    std::set<std::string> found;
    for (std::size_t i = 0; i < ends.size(); ++i)
        found.insert(std::max(kept(i), added[i]));
    return std::vector<std::string>(found.begin(), found.end());
}

Result<LevelWriter::Child> LevelWriter::load_child(unsigned level, std::string_view key,
                                                   std::string_view value) {
    Child child;
    child.key = key;
    child.entry.count = 1;
    if (level == 0 && reduces()) {
        DIVAN_TRY(auto row, load_row(rows_, key, value));
        child.row = std::move(row);
    } else if (level > 0) {
        DIVAN_TRY(child.entry, decode_level(value));
    }
    return child;
}

void LevelWriter::take(unsigned level, Stretch &stretch, Child child) {
    if (child.key != stretch.begin && stands_in(child.key, level))
        stretch.done = true; // the next entry
    else
        stretch.children.push_back(std::move(child));
}

Result<void> LevelWriter::merge(unsigned level, const Changed &below, Stretch &stretch,
                                const kv::Page &page) {
    auto size = prefix_size(rows_, level - 1);
    // Changes up to a key, or all that are left.
    auto take_changes = [&](const std::string_view *until) {
        for (; stretch.changed != below.end() && !stretch.done; ++stretch.changed) {
            if (until != nullptr && std::string_view(stretch.changed->first) > *until)
                return;
            if (stretch.changed->second)
                take(level, stretch, *stretch.changed->second);
        }
    };
    for (std::size_t i = 0; i < page.size() && !stretch.done; ++i) {
        auto key = page.key(i).substr(size);
        take_changes(&key);
        if (stretch.done || below.contains(std::string(key)))
            continue; // the change stands for it
        DIVAN_TRY(auto child, load_child(level - 1, key, page.value(i)));
        take(level, stretch, std::move(child));
    }
    if (stretch.done)
        return {};
    if (page.more) {
        stretch.request.begin = std::string(page.key(page.size() - 1)) + '\0';
        stretch.request.rows_max =
            std::min(2 * stretch.request.rows_max, kBuildRowsPerScan); // many were removed
        return {};
    }
    take_changes(nullptr);
    stretch.done = true;
    return {};
}

Result<void> LevelWriter::read_stretches(unsigned level, const Changed &below, std::span<Stretch> stretches) {
    for (auto &stretch : stretches) {
        stretch.request = scan_level(rows_, level - 1, {stretch.begin, {}});
        stretch.request.rows_max = kChildrenPerScan;
        stretch.request.bytes_max = kBytesPerScan;
        stretch.request.keys_only = level == 1 && !reduces();
        stretch.changed = below.lower_bound(stretch.begin);
    }
    for (;;) {
        std::vector<kv::ScanRequest> requests;
        std::vector<Stretch *> open;
        for (auto &stretch : stretches)
            if (!stretch.done) {
                requests.push_back(stretch.request);
                open.push_back(&stretch);
            }
        if (open.empty())
            return {};
        DIVAN_TRY(auto pages, rows_.engine.scan_many(requests));
        for (std::size_t i = 0; i < open.size(); ++i) {
            DIVAN_TRY_VOID(merge(level, below, *open[i], pages[i]));
        }
    }
}

void LevelWriter::note_timeout(const Reducer &reducer, std::string_view summary) {
    auto outcome = reducer.finish(summary);
    if (const auto *failure = std::get_if<script::FunctionError>(&outcome);
        failure != nullptr && failure->error == "timeout") {
        ++timeouts_;
        last_timeout_ = failure->reason;
    }
}

Result<std::vector<LevelEntry>> LevelWriter::summarise(std::span<const Stretch> stretches) {
    std::vector<LevelEntry> entries(stretches.size());
    for (std::size_t i = 0; i < stretches.size(); ++i)
        for (const auto &child : stretches[i].children)
            entries[i].count += child.entry.count;
    for (std::size_t reduce = 0; reduce < reducers_.size(); ++reduce) {
        auto &reducer = *reducers_[reduce];
        std::vector<Segment> segments;
        std::vector<std::size_t> places;
        for (std::size_t i = 0; i < stretches.size(); ++i) {
            entries[i].summaries.emplace_back();
            Segment segment;
            bool whole = reducer.ends() == BuiltinReduce::Ends::none && !stretches[i].children.empty();
            for (const auto &child : stretches[i].children) {
                if (child.row)
                    segment.rows.push_back({child.row->key, child.row->value, child.row->id});
                else if (reduce < child.entry.summaries.size() && !child.entry.summaries[reduce].empty())
                    segment.summaries.emplace_back(child.entry.summaries[reduce]);
                else
                    whole = false; // one below was too large to be kept
            }
            if (!whole)
                continue;
            segments.push_back(std::move(segment));
            places.push_back(i);
        }
        if (segments.empty())
            continue;
        DIVAN_TRY(auto summaries, reducer.summarise(segments));
        for (std::size_t i = 0; i < places.size(); ++i) {
            note_timeout(reducer, summaries[i]);
            if (summaries[i].size() <= kSummaryBytesMax)
                entries[places[i]].summaries[reduce] = std::move(summaries[i]);
        }
    }
    return entries;
}

Result<LevelWriter::Changed> LevelWriter::repair_level(unsigned level, const Changed &below,
                                                       kv::WriteBatch &batch) {
    Changed changed;
    for (const auto &[key, child] : below)
        if (!child && stands_in(key, level)) {
            changed.try_emplace(key);
            batch.erase(kv::Table::index, level_key(rows_, level, key));
        }
    DIVAN_TRY(auto begins, this->begins(level, below));
    for (std::size_t at = 0; at < begins.size(); at += kStretchesPerStep) {
        std::vector<Stretch> stretches(std::min(kStretchesPerStep, begins.size() - at));
        for (std::size_t i = 0; i < stretches.size(); ++i)
            stretches[i].begin = begins[at + i];
        DIVAN_TRY_VOID(read_stretches(level, below, stretches));
        DIVAN_TRY(auto entries, summarise(stretches));
        for (std::size_t i = 0; i < stretches.size(); ++i) {
            auto key = stretches[i].begin;
            auto &child = changed[key];
            if (entries[i].count == 0) {
                batch.erase(kv::Table::index, level_key(rows_, level, key));
                continue;
            }
            batch.put(kv::Table::index, level_key(rows_, level, key), encode_level(entries[i]));
            child.emplace();
            child->key = key;
            child->entry = std::move(entries[i]);
        }
    }
    return changed;
}

Result<void> LevelWriter::build(unsigned level, const std::function<Result<void>(kv::WriteBatch)> &write) {
    auto request = scan_level(rows_, level - 1, {});
    request.rows_max = kBuildRowsPerScan;
    request.keys_only = level == 1 && !reduces();
    auto size = prefix_size(rows_, level - 1);
    std::vector<Stretch> stretches(1); // the first entry has the empty key
    auto flush = [&](std::span<const Stretch> whole) -> Result<void> {
        DIVAN_TRY(auto entries, summarise(whole));
        kv::WriteBatch batch;
        for (std::size_t i = 0; i < whole.size(); ++i)
            if (entries[i].count > 0)
                batch.put(kv::Table::index, level_key(rows_, level, whole[i].begin),
                          encode_level(entries[i]));
        return write(std::move(batch));
    };
    for (;;) {
        DIVAN_TRY(auto page, rows_.engine.scan(request));
        for (std::size_t i = 0; i < page.size(); ++i) {
            DIVAN_TRY(auto child, load_child(level - 1, page.key(i).substr(size), page.value(i)));
            if (!child.key.empty() && stands_in(child.key, level)) {
                stretches.emplace_back();
                stretches.back().begin = child.key;
            }
            stretches.back().children.push_back(std::move(child));
        }
        if (!page.more)
            return flush(stretches);
        // The last one may go on.
        auto open = std::move(stretches.back());
        stretches.pop_back();
        DIVAN_TRY_VOID(flush(stretches));
        stretches.clear();
        stretches.push_back(std::move(open));
        request.begin = std::string(page.key(page.size() - 1)) + '\0';
    }
}

} // namespace divan::views
