#include "mango/find.h"

#include "db/visibility.h"

#include <algorithm>
#include <limits>

namespace divan::mango {
namespace {

constexpr std::size_t kSpansCounted = 32;
constexpr std::size_t kRowsRead = 64;

// Whether a path of a selector is one that `visit` says so of.
template <typename Visit> bool any_path(const selector::Node &node, const Visit &visit) {
    if (node.kind == selector::Node::Kind::field && visit(node.path))
        return true;
    return std::any_of(node.children.begin(), node.children.end(),
                       [&](const selector::Node &child) { return any_path(child, visit); });
}

class IndexEstimator final : public Estimator {
  public:
    IndexEstimator(const FindServices &services, std::shared_ptr<db::Database> database)
        : services_(services), database_(std::move(database)) {}

    Result<std::uint64_t> rows(const Index &index, std::span<const views::RowSpan> spans) override {
        DIVAN_TRY(auto group, services_.views.group(database_, *index.document));
        DIVAN_TRY(auto moment, group->moment(*index.view));
        // One that was not built yet says nothing of what it will hold.
        if (moment->sequence() == kv::Sequence(0))
            return std::numeric_limits<std::uint64_t>::max() / 64;
        // Of many spans some are counted.
        const std::size_t step = std::max<std::size_t>(1, spans.size() / kSpansCounted);
        std::uint64_t rows = 0;
        for (std::size_t i = 0; i < spans.size(); i += step) {
            DIVAN_TRY(auto count, count_span(*moment, spans[i]));
            rows += count * std::min(step, spans.size() - i);
        }
        return rows;
    }
    Result<std::uint64_t> documents() override {
        // A guess of costs, and no answer: of all documents, as those that are shown would have to be
        // counted.
        DIVAN_TRY(auto counts, db::whole(database_)->counts());
        return counts.documents;
    }

  private:
    // Reading a few rows is cheaper than counting them in the levels.
    static Result<std::uint64_t> count_span(views::ViewMoment &moment, const views::RowSpan &span) {
        DIVAN_TRY(auto first, moment.rows(span, false, kRowsRead));
        return first.more ? moment.count(span) : std::uint64_t{first.rows.size()};
    }

    const FindServices &services_;
    const std::shared_ptr<db::Database> database_;
};

bool tells_of_concealed(const Index &index, const db::Visibility &visibility) {
    if (index.is_special())
        return false;
    auto conceals = [&](const selector::Path &path) { return visibility.hides_field(path.steps); };
    const auto &definition = index.definition();
    for (const auto &column : definition.columns) {
        auto path = column.path;
        if (column.element) {
            path.steps.emplace_back("[]");
            path.steps.insert(path.steps.end(), column.element->steps.begin(), column.element->steps.end());
        }
        if (conceals(path))
            return true;
    }
    // Which documents have a row tells of what the filter looks at.
    return definition.filter != nullptr && any_path(definition.filter->root(), conceals);
}

// Rows of an index and their order are made of what is stored; what is concealed is absent for who asks.
void leave_out_concealed(Indexes &indexes, const db::Database &database) {
    if (database.hides_fields())
        std::erase_if(indexes,
                      [&](const auto &index) { return tells_of_concealed(*index, *database.visibility()); });
}

} // namespace

Result<Indexes> indexes_of(design::DesignDocuments &designs, const std::shared_ptr<db::Database> &database) {
    DIVAN_TRY(auto documents, designs.snapshot(*database));
    return indexes_of(*documents, database->partitioned());
}

Result<std::unique_ptr<Find>> Find::prepare(const FindServices &services,
                                            std::shared_ptr<db::Database> database, Query query,
                                            const FindOptions &options) {
    auto find = std::unique_ptr<Find>(new Find(services, std::move(database), std::move(query), options));
    DIVAN_TRY(auto indexes, indexes_of(services.designs, find->database_));
    leave_out_concealed(indexes, *find->database_);
    IndexEstimator estimator(services, find->database_);
    PlanOptions plan_options{find->database_->partitioned(), options.explain,
                             options.cursor.source.union_documents_max};
    std::optional<Pinned> pinned;
    if (find->query_.bookmark && !options.explain) {
        DIVAN_TRY(auto bookmark, decode_bookmark(*find->query_.bookmark));
        pinned = Pinned{bookmark.index, bookmark.index.empty() && bookmark.key.is_array()};
    }
    DIVAN_TRY(find->plan_, make_plan(indexes, find->query_, pinned, estimator, plan_options));
    // Rows alone do not tell whether their documents are shown: each is read.
    if (find->database_->hides_documents())
        for (auto &scan : find->plan_.scans)
            scan.covering = scan.exact = false;
    return find;
}

Result<std::vector<std::shared_ptr<views::ViewGroup>>> Find::groups() {
    std::vector<std::shared_ptr<views::ViewGroup>> groups;
    for (const auto &scan : plan_.scans) {
        DIVAN_TRY(auto group, services_.views.group(database_, *scan.index->document));
        groups.push_back(std::move(group));
    }
    return groups;
}

SourceContext Find::context() const {
    auto options = options_.cursor.source;
    const auto wanted =
        query_.skip + std::min(query_.limit, std::numeric_limits<std::uint64_t>::max() - query_.skip);
    if (!plan_.sort_in_memory && !query_.is_grouped())
        options.rows_hint = static_cast<std::size_t>(std::min<std::uint64_t>(wanted, options.rows_hint));
    return {database_, services_.views, query_, plan_, options};
}

Result<std::unique_ptr<Cursor>> Find::open() {
    return open_cursor(context(), options_.cursor);
}

Warnings Find::warnings(const Statistics &statistics) const {
    return mango::warnings(query_, plan_, statistics, options_.cursor);
}

json::Value Find::explain() const {
    return mango::explain(database_->name(), database_->partitioned(), query_, plan_);
}

} // namespace divan::mango
