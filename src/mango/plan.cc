#include "mango/plan.h"

#include "base/bytes.h"

#include <algorithm>

namespace divan::mango {
namespace {

using selector::Node;
using Kind = Node::Kind;

// Another index than CouchDB's is taken when it has so much fewer rows: the order may be another one then.
constexpr std::uint64_t kFewerFactor = 4;
constexpr std::uint64_t kFewerRows = 100;
// A union pays when it has less than one in so many documents of the database.
constexpr std::uint64_t kUnionFraction = 4;
// More alternatives are not looked at.
constexpr std::size_t kAlternativesMax = 16;

bool is_descending(const Query &query) {
    return !query.sort.empty() && query.sort.front().descending;
}

// The order of ids is that of bytes, of an index's column `_id` that of strings: both are good.
bool sorts_by_id_alone(const Query &query) {
    return query.sort.size() == 1 && query.sort.front().field == "_id";
}

Error index_gone() {
    return {ErrorCode::bad_request, "invalid_bookmark",
            "The index that the bookmark goes on with is gone: ask without a bookmark."};
}

bool is_mixed(const Query &query) {
    return std::any_of(query.sort.begin(), query.sort.end(), [&](const SortField &field) {
        return field.descending != query.sort.front().descending;
    });
}

class Planner {
  public:
    Planner(const Indexes &indexes, const Query &query, const std::optional<Pinned> &pinned,
            Estimator &estimator, const PlanOptions &options)
        : indexes_(indexes), query_(query), root_(query.selector->root()), estimator_(estimator),
          options_(options) {
        if (pinned && pinned->in_memory)
            in_memory_ = true;
        else if (pinned)
            pinned_ = pinned->index;
    }

    Result<Plan> make() {
        DIVAN_TRY_VOID(choose());
        if (plan_.choice.void_range)
            plan_.kind = Plan::Kind::nothing;
        if (plan_.choice.void_range || plan_.choice.index == nullptr)
            return std::move(plan_);
        plan_.ids = ids_of(root_);
        const bool any_id = plan_.ids.is_all();
        DIVAN_TRY_VOID(plan_.choice.index->is_special() ? take_ids() : take_index());
        if (plan_.kind != Plan::Kind::index)
            plan_.group_columns = 0;
        for (auto &scan : plan_.scans)
            scan.exact = scan.exact && any_id;
        if (!query_.partition.empty()) {
            auto begin = query_.partition + ":";
            plan_.ids = plan_.ids.intersected(IntervalSet::of(Interval{begin, prefix_end(begin), false}));
        }
        return std::move(plan_);
    }

  private:
    // Tries an index with the order that is wanted; groups and sorts in memory do without.
    Result<void> choose() {
        auto ordered = query_;
        if (query_.is_grouped())
            ordered.sort = sort_of_groups();
        const bool optional = query_.is_grouped() || query_.sort_in_memory;
        if (!is_mixed(ordered) && !(optional && in_memory_)) {
            auto choice = choose_index(indexes_, ordered, options_.database_partitioned, options_.explain);
            bool found = choice.ok() && choice->index != nullptr;
            if (found || !optional || ordered.sort.empty()) {
                DIVAN_TRY(plan_.choice, std::move(choice));
                stay_with_pinned();
                plan_.descending = is_descending(query_);
                if (query_.is_grouped())
                    set_group_columns(ordered.sort);
                return {};
            }
        }
        ordered.sort.clear();
        DIVAN_TRY(plan_.choice,
                  choose_index(indexes_, ordered, options_.database_partitioned, options_.explain));
        const auto &index = plan_.choice.index;
        const bool reads_ids = (index != nullptr && index->is_special()) || (pinned_ && pinned_->empty());
        if (sorts_by_id_alone(query_) && !in_memory_ && reads_ids)
            plan_.descending = is_descending(query_);
        else
            plan_.sort_in_memory = !query_.is_grouped();
        return {};
    }

    // An index that was made since the first page does not take over.
    void stay_with_pinned() {
        for (const auto &index : plan_.choice.usable)
            if (pinned_ && !pinned_->empty() && name_of(*index) == *pinned_)
                plan_.choice.index = index;
    }

    [[nodiscard]] std::vector<SortField> sort_of_groups() const {
        std::vector<SortField> sort;
        if (query_.distinct)
            sort.push_back({*query_.distinct, false});
        for (const auto &field : query_.group_by)
            sort.push_back({field, false});
        return sort;
    }

    // REQUIRES: the index was chosen for this order.
    void set_group_columns(const std::vector<SortField> &sort) {
        if (sort.empty() || plan_.choice.index->is_special())
            return;
        // All that are usable have the order of the groups.
        for (const auto &index : plan_.choice.usable)
            if (!pinned_ && !is_covering(*plan_.choice.index, query_) && is_covering(*index, query_))
                plan_.choice.index = index;
        auto columns = plan_.choice.index->fields();
        auto first = std::find(columns.begin(), columns.end(), sort.front().field);
        plan_.group_columns = static_cast<std::size_t>(first - columns.begin()) + sort.size();
        // Another index might have another order.
        plan_.choice.usable = {plan_.choice.index};
    }

    Result<std::uint64_t> estimate(IndexScan &scan) {
        if (!scan.estimated_rows) {
            DIVAN_TRY(scan.estimated_rows, estimator_.rows(*scan.index, scan.spans));
        }
        return *scan.estimated_rows;
    }

    void take(IndexScan scan) {
        plan_.kind = Plan::Kind::index;
        plan_.scans.clear();
        plan_.scans.push_back(std::move(scan));
    }

    // Whether a scan cannot have fewer rows than another one, whatever the documents are.
    static bool narrows_no_more(const IndexScan &scan, const IndexScan &than) {
        return std::all_of(scan.narrowed_by.begin(), scan.narrowed_by.end(), [&](const std::string &field) {
            return std::find(than.narrowed_by.begin(), than.narrowed_by.end(), field) !=
                   than.narrowed_by.end();
        });
    }

    // CouchDB's index, unless another one has much fewer rows.
    Result<void> take_index() {
        const auto &usable = plan_.choice.usable;
        if (pinned_) {
            auto same = std::find_if(usable.begin(), usable.end(),
                                     [&](const auto &index) { return name_of(*index) == *pinned_; });
            if (same != usable.end())
                take(*scan_of(*same, root_, query_));
            else if (pinned_->empty() && (query_.sort.empty() || sorts_by_id_alone(query_)))
                plan_.kind = Plan::Kind::documents;
            else
                return index_gone();
            return {};
        }
        if (query_.sort.empty() && plan_.ids.only_points() && plan_.ids.intervals().size() == 1 &&
            usable.front()->definition().filter == nullptr) {
            // One document at most.
            plan_.kind = Plan::Kind::documents;
            return {};
        }
        auto best = scan_of(usable.front(), root_, query_);
        for (std::size_t i = 1; i < std::min(usable.size(), kAlternativesMax); ++i) {
            auto other = scan_of(usable[i], root_, query_);
            // Reading no documents pays, if there are not more rows.
            const bool spares_documents = other->covering && !best->covering;
            if (!spares_documents && narrows_no_more(*other, *best))
                continue;
            DIVAN_TRY(auto rows, estimate(*best));
            if (rows <= kFewerRows)
                break;
            DIVAN_TRY(auto fewer, estimate(*other));
            if (spares_documents ? fewer <= rows : fewer * kFewerFactor + kFewerRows < rows)
                best = std::move(other);
        }
        take(std::move(*best));
        return {};
    }

    // ---- instead of a scan of all documents

    Result<void> take_ids() {
        plan_.kind = Plan::Kind::documents;
        const bool sorted = !query_.sort.empty() && !plan_.sort_in_memory;
        if (plan_.ids.only_points() || sorted || plan_.ids.empty())
            return {};
        if (pinned_ && !pinned_->empty())
            return take_pinned_elements();
        if (!pinned_) {
            DIVAN_TRY(auto scan, best_scan(root_, true));
            if (scan) {
                take(std::move(*scan));
                return {};
            }
        }
        return query_.use_index.empty() ? take_union() : Result<void>();
    }

    // What CouchDB's rules for `use_index` and partial indexes leave.
    [[nodiscard]] bool in_scope(const Index &index) const {
        if (index.is_special() || index.partitioned == query_.partition.empty())
            return false;
        const bool asked_for = is_asked_for(index, query_);
        return asked_for || (query_.use_index.empty() && index.definition().filter == nullptr);
    }

    // Whether all fields but the elements are sure to be there.
    [[nodiscard]] bool has_rows_for(const Index &index, const Node &selector) const {
        std::vector<selector::Path> required;
        for (const auto &column : index.definition().columns)
            if (!column.element && column.field != "_id" && column.field != "_rev")
                required.push_back(column.path);
        return requires_fields(selector, std::move(required));
    }

    Result<std::optional<IndexScan>> best_scan(const Node &selector, bool with_elements_only) {
        std::optional<IndexScan> best;
        std::size_t looked_at = 0;
        for (const auto &index : indexes_) {
            if (!in_scope(*index) || looked_at >= kAlternativesMax ||
                (with_elements_only && index->definition().element_column() == nullptr) ||
                !has_rows_for(*index, selector))
                continue;
            auto scan = scan_of(index, selector, query_);
            if (!scan)
                continue;
            ++looked_at;
            DIVAN_TRY(auto rows, estimate(*scan));
            if (!best || rows < *best->estimated_rows)
                best = std::move(scan);
        }
        return best;
    }

    Result<void> take_pinned_elements() {
        for (const auto &index : indexes_)
            if (in_scope(*index) && name_of(*index) == *pinned_ && has_rows_for(*index, root_))
                if (auto scan = scan_of(index, root_, query_)) {
                    take(std::move(*scan));
                    return {};
                }
        return index_gone();
    }

    // The branches of an `$or` that every document must meet, each with the conditions beside it.
    [[nodiscard]] std::vector<Node> branches() const {
        auto with = [](const Node &branch, const Node *all) {
            Node both;
            both.kind = Kind::conjunction;
            if (all != nullptr)
                for (const auto &child : all->children)
                    if (child.kind != Kind::disjunction)
                        both.children.push_back(child);
            both.children.push_back(branch);
            return both;
        };
        const Node *all = root_.kind == Kind::conjunction ? &root_ : nullptr;
        const Node *either = root_.kind == Kind::disjunction ? &root_ : nullptr;
        if (all != nullptr)
            for (const auto &child : all->children)
                if (child.kind == Kind::disjunction && !child.children.empty() && either == nullptr)
                    either = &child;
        std::vector<Node> found;
        if (either != nullptr && either->children.size() <= kAlternativesMax)
            for (const auto &branch : either->children)
                found.push_back(with(branch, all));
        return found;
    }

    Result<void> take_union() {
        std::vector<IndexScan> scans;
        std::uint64_t rows = 0;
        for (const auto &branch : branches()) {
            DIVAN_TRY(auto scan, best_scan(branch, false));
            if (!scan)
                return {};
            rows += *scan->estimated_rows;
            scans.push_back(std::move(*scan));
        }
        if (scans.empty() || rows > options_.union_documents_max)
            return {};
        DIVAN_TRY(auto documents, estimator_.documents());
        if (rows * kUnionFraction > documents)
            return {};
        plan_.kind = Plan::Kind::any_index;
        plan_.scans = std::move(scans);
        return {};
    }

    const Indexes &indexes_;
    const Query &query_;
    const Node &root_;
    Estimator &estimator_;
    const PlanOptions &options_;
    std::optional<std::string> pinned_; // the index, or empty for ids
    bool in_memory_ = false;            // what was put in order in memory goes on so
    Plan plan_;
};

} // namespace

std::string name_of(const Index &index) {
    return index.is_special() ? std::string()
                              : std::string(index.design_id()) + "/" + std::string(index.name());
}

const Index *Plan::index() const {
    return kind == Kind::index ? scans.front().index.get() : nullptr;
}

Result<Plan> make_plan(const Indexes &indexes, const Query &query, const std::optional<Pinned> &pinned,
                       Estimator &estimator, const PlanOptions &options) {
    return Planner(indexes, query, pinned, estimator, options).make();
}

} // namespace divan::mango
