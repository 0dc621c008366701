#include "mango/find.h"

#include <algorithm>
#include <set>

namespace divan::mango {
namespace {

json::Array strings(std::span<const std::string> texts) {
    return {texts.begin(), texts.end()};
}

json::Value options_of(const Query &query) {
    json::Object sort;
    for (const auto &field : query.sort)
        sort.set(field.field, field.descending ? "desc" : "asc");
    json::Object options;
    options.append("use_index", strings(query.use_index));
    options.append("bookmark", query.bookmark.value_or("nil"));
    options.append("limit", query.limit);
    options.append("skip", query.skip);
    options.append("sort", std::move(sort));
    options.append("fields", strings(query.fields));
    options.append("partition", query.partition);
    options.append("r", query.r);
    options.append("conflicts", query.conflicts);
    options.append("stale", query.stale_ok ? json::Value("ok") : json::Value(false));
    options.append("update", query.update);
    options.append("stable", query.stable);
    options.append("execution_stats", query.execution_stats);
    options.append("allow_fallback", query.allow_fallback);
    return options;
}

json::Value candidates_of(const IndexChoice &choice) {
    json::Array all;
    for (const auto &candidate : choice.candidates) {
        json::Object reason;
        reason.append("name", reason_name(candidate.reason));
        json::Object analysis;
        analysis.append("usable", candidate.usable);
        analysis.append("reasons", json::Array{std::move(reason)});
        analysis.append("ranking", candidate.ranking);
        analysis.append("covering", candidate.covering ? json::Value(*candidate.covering) : json::Value());
        json::Object shown;
        shown.append("index", candidate.index->to_json());
        shown.append("analysis", std::move(analysis));
        all.emplace_back(std::move(shown));
    }
    return all;
}

json::Value hints_of(const selector::Selector &selector) {
    std::set<std::string> indexable;
    for (const auto &path : indexable_paths(selector.root())) {
        auto name = path.joined();
        indexable.insert(name.substr(0, name.find(':'))); // as CouchDB, which thinks of typed text fields
    }
    json::Array yes, no;
    std::set<std::string> others;
    for (auto &field : selector.fields())
        if (!indexable.contains(field))
            others.insert(std::move(field));
    for (const auto &field : indexable)
        yes.emplace_back(field);
    for (const auto &field : others)
        no.emplace_back(field);
    json::Object hints;
    hints.append("type", "json");
    hints.append("indexable_fields", std::move(yes));
    hints.append("unindexable_fields", std::move(no));
    return json::Array{std::move(hints)};
}

json::Value view_query(const Index &index, const Query &query, const Plan &plan, bool covering) {
    ShownKeys keys;
    if (!plan.choice.void_range) {
        auto ranges = prefix_ranges(index.fields(), field_ranges(query.selector->root()));
        keys = index.is_special() ? shown_ids(ranges) : shown_keys(ranges);
    }
    const bool descending = plan.descending;
    if (descending)
        std::swap(keys.start, keys.end);
    json::Object arguments;
    arguments.append("include_docs", query.r == 1 && !covering);
    arguments.append("view_type", "map");
    arguments.append("reduce", false);
    arguments.append("partition", query.partition.empty() ? json::Value() : json::Value(query.partition));
    arguments.append("start_key", std::move(keys.start));
    arguments.append("end_key", std::move(keys.end));
    arguments.append("direction", descending ? "rev" : "fwd");
    arguments.append("stable", query.stable || query.stale_ok);
    arguments.append("update", query.update && !query.stale_ok);
    arguments.append("conflicts", query.conflicts ? json::Value(true) : json::Value("undefined"));
    return arguments;
}

// ---- Divan's own plan

json::Value scan_of_plan(const IndexScan &scan) {
    json::Object shown;
    shown.append("ddoc", scan.index->design_id());
    shown.append("name", scan.index->name());
    shown.append("ranges", static_cast<std::uint64_t>(scan.spans.size()));
    shown.append("covering", scan.covering);
    shown.append("exact", scan.exact);
    if (scan.estimated_rows)
        shown.append("estimated_rows", *scan.estimated_rows);
    return shown;
}

std::string_view kind_name(const Plan &plan) {
    switch (plan.kind) {
    case Plan::Kind::nothing:
        return "nothing";
    case Plan::Kind::documents:
        return plan.ids.only_points() ? "documents by id" : "scan of documents";
    case Plan::Kind::index:
        return "index";
    case Plan::Kind::any_index:
        return "union of indexes";
    }
    return "";
}

json::Value plan_of(const Query &query, const Plan &plan) {
    json::Object shown;
    shown.append("reads", kind_name(plan));
    json::Array scans;
    for (const auto &scan : plan.scans)
        scans.push_back(scan_of_plan(scan));
    shown.append("indexes", std::move(scans));
    shown.append("sort", query.sort.empty()    ? "none"
                         : plan.sort_in_memory ? "in memory"
                                               : "order of the index");
    if (query.is_grouped())
        shown.append("groups", plan.group_columns > 0 ? "one after the other" : "in memory");
    return shown;
}

} // namespace

json::Value explain(const std::string &database_name, bool database_partitioned, const Query &query,
                    const Plan &plan) {
    const auto &index = plan.kind == Plan::Kind::index ? plan.scan().index : plan.choice.index;
    const bool as_couchdb = index == plan.choice.index && plan.kind != Plan::Kind::any_index;
    json::Object answer;
    answer.append("dbname", database_name);
    answer.append("index", index == nullptr ? json::Value() : index->to_json());
    answer.append("partitioned", database_partitioned);
    answer.append("selector", query.selector->to_json(true));
    answer.append("opts", options_of(query));
    answer.append("limit", query.limit);
    answer.append("skip", query.skip);
    answer.append("fields", strings(query.fields));
    answer.append("index_candidates", candidates_of(plan.choice));
    answer.append("selector_hints", hints_of(*query.selector));
    if (index != nullptr) {
        const bool covering = is_covering(*index, query);
        answer.append("mrargs", view_query(*index, query, plan, covering));
        answer.append("covering", covering);
    }
    if (query.verbose || !as_couchdb)
        answer.append("plan", plan_of(query, plan));
    return answer;
}

} // namespace divan::mango
