// Reduced views: which rows make a group, and what stands for them.

#include "base/bytes.h"
#include "views/group_state.h"
#include "json/parser.h"
#include "json/writer.h"

#include <algorithm>

namespace divan::views {
namespace {

// A group with fewer rows is reduced from its rows, without the tree.
constexpr std::size_t kRowsPerPageMin = 8 * kFanout;
constexpr std::size_t kRowsPerPageMax = 1'000;

// Rows with one key, or with keys that begin alike.
struct Group {
    std::string prefix; // full keys of its rows begin so
    std::string key;    // JSON text
};

// `partition`: what the sort keys of the range begin with, if they are partitioned.
Result<Group> group_of(const LoadedRow &row, const Grouping &grouping, collation::Order order,
                       const std::string &partition) {
    if (grouping.level == 0)
        return Group{{}, "null"};
    Group group{row.full.substr(0, row.sort_key_bytes), row.key};
    if (grouping.level == Grouping::kExact || !row.key.starts_with('['))
        return group;
    DIVAN_TRY(auto key, json::parse(row.key, {.depth_max = json::kAnyDepth, .raw_depth = 1}));
    auto &elements = key.array();
    if (elements.size() < grouping.level)
        return group;
    elements.resize(static_cast<std::size_t>(grouping.level));
    group.key = json::to_text(key);
    group.prefix = partition;
    collation::append_sort_key(group.prefix, std::string_view(group.key), order);
    group.prefix.pop_back(); // longer arrays go on where this one ends
    return group;
}

// Walks the groups of a span and collects what each is made of.
class GroupWalk {
  public:
    struct Found {
        std::string key;
        Pieces pieces;
    };

    GroupWalk(const MapRows &rows, const Definition::Place &place, const Reducer &reducer,
              const ReduceRequest &request, collation::Order order)
        : rows_(rows), place_(place), reducer_(reducer), request_(request), order_(order),
          span_(full_span(request.range, order)), skip_(request.skip) {
        if (request.range.partition)
            append_partition(partition_, *request.range.partition);
        if (!request.from.empty())
            (descending() ? span_.end : span_.begin) = request.from;
    }

    // Some of the next groups; none: there are no more.
    Result<std::vector<Found>> next(std::size_t groups_max);
    // Where the next group begins (downwards: ends), to go on there.
    [[nodiscard]] const std::string &position() const { return descending() ? span_.end : span_.begin; }
    [[nodiscard]] bool done() const { return done_; }

  private:
    [[nodiscard]] bool descending() const { return request_.range.descending; }
    // The part of the span that belongs to a group.
    [[nodiscard]] FullSpan part(const Group &group) const;
    void leave_behind(const Group &group);
    Result<Pieces> large(const Group &group);

    const MapRows &rows_;
    const Definition::Place &place_;
    const Reducer &reducer_;
    const ReduceRequest &request_;
    collation::Order order_;
    FullSpan span_;
    std::string partition_;
    std::uint64_t skip_;
    std::size_t rows_per_page_ = kRowsPerPageMin;
    bool done_ = false;
};

FullSpan GroupWalk::part(const Group &group) const {
    auto part = span_;
    if (group.prefix.empty())
        return part;
    part.begin = std::max(part.begin, group.prefix);
    auto end = prefix_end(group.prefix);
    part.end = part.end.empty() ? end : std::min(part.end, end);
    return part;
}

void GroupWalk::leave_behind(const Group &group) {
    if (group.prefix.empty())
        done_ = true;
    else if (descending())
        span_.end = group.prefix;
    else
        span_.begin = prefix_end(group.prefix);
    done_ |= span_.empty();
}

Result<Pieces> GroupWalk::large(const Group &group) {
    auto ends = reducer_.ends();
    if (ends == BuiltinReduce::Ends::none)
        return pieces_of(rows_, part(group), *place_.reduce);
    DIVAN_TRY(auto read, read_rows(rows_, part(group), ends == BuiltinReduce::Ends::last, 1));
    return Pieces{std::move(read.rows), {}};
}

Result<std::vector<GroupWalk::Found>> GroupWalk::next(std::size_t groups_max) {
    std::vector<Found> found;
    if (done_)
        return found;
    DIVAN_TRY(auto read, read_rows(rows_, span_, descending(), rows_per_page_));
    std::size_t groups = 0;
    for (std::size_t at = 0; at < read.rows.size() && found.size() < groups_max;) {
        DIVAN_TRY(auto group, group_of(read.rows[at], request_.grouping, order_, partition_));
        auto end = at;
        while (end < read.rows.size() && read.rows[end].full.starts_with(group.prefix))
            ++end;
        bool whole = end < read.rows.size() || !read.more;
        if (!whole && groups > 0)
            break; // the next page begins with it
        ++groups;
        if (skip_ > 0) {
            --skip_;
        } else if (whole) {
            Pieces pieces;
            pieces.rows.assign(std::make_move_iterator(read.rows.begin() + static_cast<std::ptrdiff_t>(at)),
                               std::make_move_iterator(read.rows.begin() + static_cast<std::ptrdiff_t>(end)));
            if (descending())
                std::reverse(pieces.rows.begin(), pieces.rows.end());
            found.push_back({std::move(group.key), std::move(pieces)});
        } else {
            DIVAN_TRY(auto pieces, large(group));
            found.push_back({std::move(group.key), std::move(pieces)});
        }
        leave_behind(group);
        at = end;
    }
    done_ |= read.rows.empty();
    rows_per_page_ = groups > 1 ? kRowsPerPageMax : kRowsPerPageMin;
    return found;
}

Result<void> reduce_groups(Reducer &reducer, std::vector<GroupWalk::Found> groups, ReducedPage &page) {
    std::vector<Segment> segments;
    segments.reserve(groups.size());
    for (const auto &group : groups) {
        auto &segment = segments.emplace_back();
        for (const auto &row : group.pieces.rows)
            segment.rows.push_back({row.key, row.value, row.id});
        for (const auto &summary : group.pieces.summaries)
            segment.summaries.emplace_back(summary);
    }
    if (segments.empty())
        return {};
    DIVAN_TRY(auto summaries, reducer.summarise(segments));
    for (std::size_t i = 0; i < groups.size(); ++i)
        page.rows.push_back({std::move(groups[i].key), reducer.finish(summaries[i])});
    return {};
}

} // namespace

Result<ReducedPage> ViewGroup::reduce(const design::ViewDefinition &view, const ReduceRequest &request) {
    auto place = state_->definition->place(view);
    if (!place.reduce)
        return Error(ErrorCode::bad_request, "The view has no reduce function.");
    DIVAN_TRY(auto moment, state_->moment(*database_));
    ReducedPage page;
    if (!moment)
        return page;
    auto rows = moment->map_rows(database_->derived_rows(), place.map);
    page.sequence = moment->record.sequence;
    auto &reducer = *state_->definition->maps[place.map].reducers[*place.reduce];
    GroupWalk walk(rows, place, reducer, request, view.order);
    while (page.rows.size() < request.groups_max && !walk.done()) {
        DIVAN_TRY(auto groups, walk.next(request.groups_max - page.rows.size()));
        DIVAN_TRY_VOID(reduce_groups(reducer, std::move(groups), page));
    }
    page.more = !walk.done();
    page.next = walk.position();
    return page;
}

} // namespace divan::views
