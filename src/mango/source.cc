#include "mango/source.h"

#include "base/bytes.h"
#include "collation/sort_key.h"
#include "mango/index_source.h"

#include <algorithm>

namespace divan::mango {
namespace {

constexpr std::size_t kTextsPerPage = 1'000;
constexpr std::string_view kDesign = "_design/";
// They take long.
constexpr std::uint64_t kRegexesGivenUpPerCall = 16;

// Documents of stretches of ids, or of a list of them.
class DocumentSource final : public Source {
  public:
    DocumentSource(const SourceContext &context, IntervalSet ids)
        : context_(context), ids_(std::move(ids)), matching_(context) {}

    void go_on_behind(const std::string &id) {
        const bool down = context_.plan.descending;
        auto rest =
            down ? IntervalSet::of(Interval{"", id, false}) : IntervalSet::of(Interval{id + '\0', "", false});
        if (!id.empty())
            ids_ = ids_.intersected(rest);
    }

    Result<bool> next(const Visitor &visit) override {
        stopped_ = false;
        matching_.begin();
        std::size_t rows_left = context_.options.rows_max;
        while (!ids_.empty() && !stopped_ && rows_left > 0) {
            DIVAN_TRY(auto rows, is_point() ? read_points(visit) : read_stretch(visit, rows_left));
            rows_left -= std::min(rows_left, rows);
            DIVAN_TRY_VOID(matching_.check());
        }
        return !ids_.empty();
    }
    [[nodiscard]] const Statistics &statistics() const override { return matching_.statistics; }

  private:
    [[nodiscard]] const Interval &next_interval() const {
        return context_.plan.descending ? ids_.intervals().back() : ids_.intervals().front();
    }
    [[nodiscard]] bool is_point() const { return next_interval().is_point; }

    bool look_at(std::string_view id, std::string_view text, const Visitor &visit) {
        const bool matches = matching_.matches(text);
        // CouchDB forgets the figures of a design document that matches when it leaves it out.
        if (matches && id.starts_with(kDesign))
            return true;
        ++matching_.statistics.keys_examined;
        ++matching_.statistics.documents_examined;
        stopped_ = (matches && !visit({id, text, {}})) || matching_.is_enough();
        return !stopped_;
    }

    Result<std::size_t> read_points(const Visitor &visit) {
        std::vector<std::string> ids;
        const auto &all = ids_.intervals();
        const bool down = context_.plan.descending;
        for (std::size_t i = 0; i < all.size() && ids.size() < kTextsPerPage; ++i) {
            const auto &interval = all[down ? all.size() - 1 - i : i];
            if (!interval.is_point)
                break;
            ids.push_back(interval.begin);
        }
        DIVAN_TRY(auto texts, context_.database->texts(ids, {.conflicts = context_.query.conflicts}));
        std::size_t done = 0;
        for (; done < texts.size() && !stopped_; ++done)
            if (texts[done])
                look_at(ids[done], *texts[done], visit);
        go_on_behind(ids[done - 1]);
        return done;
    }

    Result<std::size_t> read_stretch(const Visitor &visit, std::size_t rows_max) {
        const auto interval = next_interval();
        db::DocumentScan scan;
        scan.begin = interval.begin;
        if (!interval.end.empty())
            scan.end = interval.end;
        scan.reverse = context_.plan.descending;
        scan.text.conflicts = context_.query.conflicts;
        scan.documents_max = rows_max;
        scan.rows_max = rows_max;
        // Pages end soon when few documents are wanted.
        scan.page_rows_max = std::min<std::size_t>(rows_per_page_, scan.page_rows_max);
        rows_per_page_ = std::min(4 * rows_per_page_, kTextsPerPage);
        DIVAN_TRY(auto end,
                  context_.database->scan_documents(scan, [&](std::string_view id, std::string_view text) {
                      return look_at(id, text, visit);
                  }));
        if (end.exhausted && !stopped_) {
            auto rest = ids_.intervals();
            rest.erase(scan.reverse ? rest.end() - 1 : rest.begin());
            ids_ = IntervalSet::of(std::move(rest));
        } else {
            go_on_behind(end.last_id);
        }
        return std::max<std::size_t>(end.rows, 1);
    }

    const SourceContext context_;
    IntervalSet ids_; // what is left
    Matching matching_;
    bool stopped_ = false;
    std::size_t rows_per_page_ = std::max<std::size_t>(context_.options.rows_hint, 32);
};

// The ids of all rows of several indexes; nothing if there are too many by now.
Result<std::optional<IntervalSet>> ids_of_rows(const SourceContext &context) {
    std::vector<Interval> ids;
    for (const auto &scan : context.plan.scans) {
        DIVAN_TRY(auto moment, open_moment(context, *scan.index));
        for (const auto &span : scan.spans) {
            auto rest = span;
            for (bool more = true; more;) {
                DIVAN_TRY(auto rows, moment->rows(rest, false, kTextsPerPage));
                for (const auto &row : rows.rows) {
                    std::string id(row.id);
                    auto end = id + '\0';
                    ids.push_back({std::move(id), std::move(end), true});
                }
                more = rows.more;
                rest.begin = rows.last + '\0';
                if (ids.size() > 4 * context.options.union_documents_max)
                    return std::optional<IntervalSet>();
            }
        }
    }
    return std::optional<IntervalSet>(IntervalSet::of(std::move(ids)));
}

std::uint64_t conditions_of(const selector::Node &node) {
    std::uint64_t conditions = 1;
    for (const auto &child : node.children)
        conditions += conditions_of(child);
    return conditions;
}

} // namespace

// ---- what sources share

Matching::Matching(const SourceContext &context)
    : matcher_(context.query.selector), given_up_max_(context.options.regexes_given_up_max),
      work_max_(context.options.work_max), conditions_(conditions_of(context.query.selector->root())) {}

bool Matching::matches(std::string_view text) {
    work_ += text.size() * conditions_;
    if (matcher_.matches(text))
        return true;
    const auto given_up = matcher_.regexes_given_up();
    if (given_up != statistics.regexes_given_up) {
        work_ += work_max_ / kRegexesGivenUpPerCall + 1;
        statistics.regexes_given_up = given_up;
    }
    return false;
}

Result<void> Matching::check() const {
    if (statistics.regexes_given_up <= given_up_max_)
        return {};
    return Error(ErrorCode::bad_request, "bad_arg",
                 "A $regex takes too many steps on the documents of this database: make it simpler.");
}

Result<std::unique_ptr<views::ViewMoment>> open_moment(const SourceContext &context, const Index &index) {
    DIVAN_TRY(auto group, context.views.group(context.database, *index.document));
    return group->moment(*index.view);
}

Result<std::unique_ptr<Source>> open_source(const SourceContext &context,
                                            const std::optional<Bookmark> &from) {
    if (context.plan.kind == Plan::Kind::index)
        return open_index_source(context, from);
    auto ids = context.plan.kind == Plan::Kind::nothing ? IntervalSet::none() : context.plan.ids;
    if (context.plan.kind == Plan::Kind::any_index) {
        DIVAN_TRY(auto rows, ids_of_rows(context));
        if (rows)
            ids = rows->intersected(ids);
    }
    auto source = std::make_unique<DocumentSource>(context, std::move(ids));
    if (from)
        source->go_on_behind(from->id);
    return std::unique_ptr<Source>(std::move(source));
}

bool gives_answers(const SourceContext &context) {
    const auto &plan = context.plan;
    return plan.kind == Plan::Kind::index && plan.scan().covering && plan.scan().exact &&
           !plan.sort_in_memory && !context.query.is_grouped();
}

Result<std::uint64_t> count_rows(const SourceContext &context, const IndexScan &scan) {
    DIVAN_TRY(auto moment, open_moment(context, *scan.index));
    std::uint64_t count = 0;
    for (const auto &span : scan.spans) {
        DIVAN_TRY(auto rows, moment->count(span));
        count += rows;
    }
    return count;
}

std::string position_of(const Index &index, const std::string &partition, const json::Value &key,
                        std::string_view id) {
    std::string sort_key;
    if (index.partitioned)
        collation::append_bytes(sort_key, partition);
    collation::append_sort_key(sort_key, key);
    return views::row_position(sort_key, id);
}

std::string group_end(const Index &index, const std::string &partition, const json::Value &values) {
    std::string begin;
    if (index.partitioned)
        collation::append_bytes(begin, partition);
    collation::append_sort_key(begin, values);
    begin.pop_back(); // longer arrays go on where this one ends
    return prefix_end(begin);
}

} // namespace divan::mango
