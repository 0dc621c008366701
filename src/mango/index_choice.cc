#include "mango/index_choice.h"

#include "json/writer.h"

#include <algorithm>
#include <fmt/format.h>
#include <set>
#include <tuple>

namespace divan::mango {
namespace {

using selector::Node;
using selector::Operator;
using Kind = Node::Kind;

Error refused(std::string word, std::string reason) {
    return {ErrorCode::bad_request, std::move(word), std::move(reason)};
}

// An index is told in a reason; more fields than these help nobody.
constexpr std::size_t kConstantsNamedMax = 8;

// ---- what a selector says of fields

bool is_missing_test(const Node &condition) {
    return condition.kind == Kind::condition && condition.op == Operator::exists &&
           !condition.argument.is_true();
}

void erase_required(const Node &node, std::vector<selector::Path> &fields) {
    switch (node.kind) {
    case Kind::conjunction:
        for (const auto &child : node.children)
            erase_required(child, fields);
        return;
    case Kind::disjunction: {
        if (node.children.empty())
            return;
        // What some child does not require is not required.
        std::set<selector::Path> open;
        for (const auto &child : node.children) {
            auto rest = fields;
            erase_required(child, rest);
            open.insert(rest.begin(), rest.end());
        }
        std::erase_if(fields, [&](const auto &field) { return !open.contains(field); });
        return;
    }
    case Kind::field:
        if (!is_missing_test(node.children.front()))
            std::erase(fields, node.path);
        return;
    default:
        return;
    }
}

// Fields that are equal to something in every document that matches.
void add_constants(const Node &node, std::set<selector::Path> &fields) {
    if (node.kind == Kind::conjunction)
        for (const auto &child : node.children)
            add_constants(child, fields);
    if (node.kind == Kind::field && node.children.front().kind == Kind::condition &&
        node.children.front().op == Operator::eq)
        fields.insert(node.path);
}

// Whether the selector asks for no other fields.
bool knows_fields(const Node &node, const std::set<selector::Path> &fields) {
    if (node.kind == Kind::field)
        return fields.contains(node.path);
    if (node.kind == Kind::condition)
        return node.op != Operator::text;
    return std::all_of(node.children.begin(), node.children.end(),
                       [&](const Node &child) { return knows_fields(child, fields); });
}

bool searches_text(const Node &node) {
    if (node.kind == Kind::condition && node.op == Operator::text)
        return true;
    return std::any_of(node.children.begin(), node.children.end(), searches_text);
}

// ---- whether an index can be used

struct Usability {
    bool usable = true;
    Reason reason = Reason::unfavored_type; // the first one, if not
};

Usability check(std::initializer_list<std::pair<bool, Reason>> conditions) {
    for (const auto &[holds, reason] : conditions)
        if (!holds)
            return {false, reason};
    return {};
}

bool sorts_by(const Query &query, std::string_view field) {
    return std::any_of(query.sort.begin(), query.sort.end(),
                       [&](const SortField &sort) { return sort.field == field; });
}

Usability usability(const Index &index, const Query &query) {
    const auto &selector = query.selector->root();
    const auto columns = index.fields();
    if (index.is_special()) {
        if (query.sort.empty())
            return {};
        auto paths = indexable_paths(selector);
        static const selector::Path kId{{"_id"}};
        return check({{std::find(paths.begin(), paths.end(), kId) != paths.end(), Reason::field_mismatch},
                      {query.sort.size() == 1 && query.sort[0].field == "_id", Reason::sort_order_mismatch}});
    }
    std::vector<selector::Path> required;
    for (const auto &column : index.definition().columns) {
        // Elements are no field of a document: CouchDB does not use such an index.
        if (column.element)
            return {false, Reason::field_mismatch};
        if (!sorts_by(query, column.field) && column.field != "_id" && column.field != "_rev")
            required.push_back(column.path);
    }
    return check({{!searches_text(selector), Reason::needs_text_search},
                  {requires_fields(selector, std::move(required)), Reason::field_mismatch},
                  {has_order(columns, query), Reason::sort_order_mismatch}});
}

// ---- use_index

Error no_such_index(const Query &query) {
    if (query.use_index.empty())
        return refused("invalid_index", "You must specify an index with the `use_index` parameter.");
    auto name = fmt::format("_design/{}", design_name(query.use_index[0]));
    if (query.use_index.size() > 1)
        name += ", " + query.use_index[1];
    return refused("invalid_index",
                   name + " specified by `use_index` could not be found or it is not suitable.");
}

Error no_order(const Query &query, bool database_partitioned) {
    const char *kind = !database_partitioned ? "" : query.partition.empty() ? "global " : "partitioned ";
    return refused("no_usable_index",
                   fmt::format("No {}index exists for this sort, try indexing by the sort fields. POST to "
                               "_index: {}; or add \"sort_in_memory\": true to the query.",
                               kind, missing_index(query)));
}

// ---- the best of those that can be used

// An index, and how many fields of the selector its first columns leave.
struct Ranked {
    std::shared_ptr<const Index> index;
    std::vector<FieldRange> prefix;
    std::size_t distance = 0;
    std::size_t width = 0;
};

std::vector<Ranked> rank(const Indexes &indexes, const selector::Node &selector) {
    auto ranges = field_ranges(selector);
    std::vector<Ranked> ranked;
    for (const auto &index : indexes) {
        const auto columns = index->fields();
        auto prefix = prefix_ranges(columns, ranges);
        auto distance = ranges.size() - prefix.size();
        ranked.push_back({index, std::move(prefix), distance, columns.size()});
    }
    std::sort(ranked.begin(), ranked.end(), [](const Ranked &left, const Ranked &right) {
        return std::tuple(left.distance, left.width, left.index->design_id(), left.index->name()) <
               std::tuple(right.distance, right.width, right.index->design_id(), right.index->name());
    });
    return ranked;
}

// ---- candidates

enum class Stage : std::uint8_t { partial, out_of_scope, not_usable, excluded, unfavored, not_chosen };

struct Sorted {
    std::shared_ptr<const Index> index;
    Stage stage = Stage::partial;
    Usability usability;
};

// Which stage of the choice sorts an index out.
Sorted sort_out(const std::shared_ptr<const Index> &index, const Query &query) {
    Sorted sorted{index, Stage::not_chosen, {}};
    bool asked_for = is_asked_for(*index, query);
    if (!index->is_special() && index->definition().filter != nullptr && !asked_for) {
        sorted.stage = Stage::partial;
    } else if (!index->is_special() && index->partitioned != !query.partition.empty()) {
        sorted.stage = Stage::out_of_scope;
    } else {
        sorted.usability = usability(*index, query);
        if (!sorted.usability.usable)
            sorted.stage = Stage::not_usable;
    }
    return sorted;
}

Reason reason_of(const Sorted &sorted) {
    switch (sorted.stage) {
    case Stage::partial:
        return Reason::is_partial;
    case Stage::out_of_scope:
        return Reason::scope_mismatch;
    case Stage::not_usable:
        return sorted.usability.reason;
    case Stage::excluded:
        return Reason::excluded_by_user;
    default:
        return Reason::unfavored_type;
    }
}

Reason why_behind(const Ranked &ranked, std::size_t winner_width) {
    if (ranked.distance > 0)
        return Reason::less_overlap;
    return ranked.width > winner_width ? Reason::too_many_fields : Reason::alphabetically_comes_after;
}

// The rankings of CouchDB: those of the winner's type by their order, then stage by stage.
std::vector<Candidate> candidates_of(const std::vector<Sorted> &all, const std::vector<Ranked> &ranked,
                                     const Query &query) {
    auto has = [&](Stage stage) {
        return std::any_of(all.begin(), all.end(), [&](const Sorted &each) { return each.stage == stage; });
    };
    const std::uint64_t unfavored = std::max<std::uint64_t>(1, ranked.size());
    const auto excluded = unfavored + (has(Stage::unfavored) ? 1 : 0);
    const auto not_usable = excluded + (has(Stage::excluded) ? 1 : 0);
    const auto out_of_scope = not_usable + (has(Stage::not_usable) ? 1 : 0);
    const auto partial = out_of_scope + (has(Stage::out_of_scope) ? 1 : 0);
    std::vector<Candidate> candidates;
    for (const auto &sorted : all) {
        Candidate candidate{sorted.index, sorted.stage > Stage::not_usable, reason_of(sorted), 0, {}};
        switch (sorted.stage) {
        case Stage::partial:
            candidate.ranking = partial;
            break;
        case Stage::out_of_scope:
            candidate.ranking = out_of_scope;
            break;
        case Stage::not_usable:
            candidate.ranking = not_usable;
            break;
        case Stage::excluded:
            candidate.ranking = excluded;
            break;
        case Stage::unfavored:
            candidate.ranking = unfavored;
            break;
        case Stage::not_chosen: {
            auto at = std::find_if(ranked.begin(), ranked.end(),
                                   [&](const Ranked &each) { return each.index == sorted.index; });
            if (at == ranked.begin()) // the winner
                continue;
            candidate.ranking = static_cast<std::uint64_t>(at - ranked.begin());
            candidate.reason = why_behind(*at, ranked.front().width);
            break;
        }
        }
        if (!sorted.index->is_special())
            candidate.covering = is_covering(*sorted.index, query);
        candidates.push_back(std::move(candidate));
    }
    // CouchDB shows them backwards.
    std::reverse(candidates.begin(), candidates.end());
    return candidates;
}

void set_stage(std::vector<Sorted> &all, Stage stage, auto &&which) {
    for (auto &sorted : all)
        if (sorted.stage == Stage::not_chosen && which(*sorted.index))
            sorted.stage = stage;
}

} // namespace

std::string_view reason_name(Reason reason) {
    switch (reason) {
    case Reason::alphabetically_comes_after:
        return "alphabetically_comes_after";
    case Reason::excluded_by_user:
        return "excluded_by_user";
    case Reason::field_mismatch:
        return "field_mismatch";
    case Reason::is_partial:
        return "is_partial";
    case Reason::less_overlap:
        return "less_overlap";
    case Reason::needs_text_search:
        return "needs_text_search";
    case Reason::scope_mismatch:
        return "scope_mismatch";
    case Reason::sort_order_mismatch:
        return "sort_order_mismatch";
    case Reason::too_many_fields:
        return "too_many_fields";
    case Reason::unfavored_type:
        return "unfavored_type";
    }
    return "";
}

std::string_view design_name(std::string_view name) {
    constexpr std::string_view kDesign = "_design/";
    return name.starts_with(kDesign) ? name.substr(kDesign.size()) : name;
}

bool is_asked_for(const Index &index, const Query &query) {
    if (query.use_index.empty() || index.is_special())
        return false;
    return design_name(index.design_id()) == design_name(query.use_index[0]) &&
           (query.use_index.size() == 1 || index.name() == query.use_index[1]);
}

bool requires_fields(const Node &selector, std::vector<selector::Path> fields) {
    erase_required(selector, fields);
    return fields.empty();
}

bool has_order(std::span<const std::string> columns, const Query &query) {
    if (query.sort.empty())
        return true;
    std::set<selector::Path> constants;
    add_constants(query.selector->root(), constants);
    for (std::size_t i = 0; i < columns.size(); ++i) {
        if (columns[i] == query.sort[0].field) {
            auto rest = columns.subspan(i);
            return query.sort.size() <= rest.size() &&
                   std::equal(
                       query.sort.begin(), query.sort.end(), rest.begin(),
                       [](const SortField &sort, const std::string &column) { return sort.field == column; });
        }
        auto path = selector::parse_path(columns[i]);
        if (!path.ok() || !constants.contains(*path))
            return false;
    }
    return false;
}

bool is_covering(const Index &index, const Query &query) {
    if (index.is_special() || index.definition().element_column() != nullptr ||
        (query.fields.empty() && !query.is_grouped()))
        return false;
    std::set<selector::Path> columns{{{"_id"}}};
    for (const auto &column : index.definition().columns)
        columns.insert(column.path);
    auto has = [&](const std::string &field) {
        auto path = selector::parse_path(field);
        return path.ok() && columns.contains(*path);
    };
    auto has_all = [&](const auto &fields) { return std::all_of(fields.begin(), fields.end(), has); };
    return knows_fields(query.selector->root(), columns) && has_all(query.fields) &&
           has_all(query.group_by) && (!query.distinct || has(*query.distinct)) &&
           std::all_of(query.sort.begin(), query.sort.end(),
                       [&](const SortField &sort) { return has(sort.field); }) &&
           std::all_of(query.aggregates.begin(), query.aggregates.end(),
                       [&](const Aggregate &each) { return each.field.empty() || has(each.field); });
}

std::string missing_index(const Query &query) {
    json::Array fields;
    auto add = [&](const std::string &field) {
        if (std::find(fields.begin(), fields.end(), json::Value(field)) == fields.end())
            fields.emplace_back(field);
    };
    // Fields that are equal to something come first, so that the rest has the order of the sort.
    std::set<selector::Path> constants;
    add_constants(query.selector->root(), constants);
    for (const auto &path : constants)
        if (!sorts_by(query, path.escaped()) && fields.size() < kConstantsNamedMax)
            add(path.escaped());
    for (const auto &sort : query.sort)
        add(sort.field);
    json::Object index;
    index.append("fields", std::move(fields));
    json::Object body;
    body.append("index", std::move(index));
    return json::to_text(json::Value(std::move(body)));
}

Result<IndexChoice> choose_index(const Indexes &indexes, const Query &query, bool database_partitioned,
                                 bool explain) {
    std::vector<Sorted> all;
    for (const auto &index : indexes)
        all.push_back(sort_out(index, query));
    auto left = [&](auto &&which) {
        return std::count_if(all.begin(), all.end(), [&](const Sorted &sorted) {
            return sorted.stage == Stage::not_chosen && which(*sorted.index);
        });
    };
    auto any = [](const Index & /*index*/) { return true; };
    auto asked_for = [&](const Index &index) { return is_asked_for(index, query); };
    auto is_json = [](const Index &index) { return !index.is_special(); };
    if (left(any) == 0 && !explain)
        return no_order(query, database_partitioned);
    if (left(asked_for) > 0)
        set_stage(all, Stage::excluded, [&](const Index &index) { return !asked_for(index); });
    else if (!query.allow_fallback && !(query.use_index.empty() && left(any) > 1))
        return no_such_index(query);
    if (left(is_json) > 0)
        set_stage(all, Stage::unfavored, [](const Index &index) { return index.is_special(); });

    IndexChoice choice;
    for (const auto &sorted : all)
        if (sorted.stage == Stage::not_chosen)
            choice.usable.push_back(sorted.index);
    auto ranked = rank(choice.usable, query.selector->root());
    choice.candidates = candidates_of(all, ranked, query);
    choice.usable.clear();
    for (const auto &each : ranked)
        choice.usable.push_back(each.index);
    if (!ranked.empty()) {
        choice.index = ranked.front().index;
        choice.ranges = std::move(ranked.front().prefix);
        choice.void_range =
            query.selector->is_void() || (choice.ranges.size() == 1 && choice.ranges.front().nothing);
    }
    return choice;
}

} // namespace divan::mango
