#include "mango/query.h"

#include "mango/projection.h"
#include "selector/erlang_text.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>

namespace divan::mango {
namespace {

using selector::erlang_text;

Error refused(std::string word, std::string reason) {
    return {ErrorCode::bad_request, std::move(word), std::move(reason)};
}

// ---- members

// Takes members of a body one after the other; what is left is unknown.
class Members {
  public:
    explicit Members(const json::Object &body) : body_(body) {}

    const json::Value *take(std::string_view name) {
        const auto *value = body_.find(name);
        if (value != nullptr)
            taken_.push_back(name);
        return value;
    }
    [[nodiscard]] Result<void> check_all_taken() const {
        for (const auto &[name, value] : body_)
            if (std::find(taken_.begin(), taken_.end(), name) == taken_.end())
                return refused("invalid_key", fmt::format("Invalid key {} for this request.", name));
        return {};
    }

    Result<void> boolean(std::string_view name, bool &out) {
        if (const auto *value = take(name)) {
            if (!value->is_boolean())
                return refused("invalid_boolean", "Invalid boolean value: " + erlang_text(*value));
            out = value->boolean();
        }
        return {};
    }
    Result<void> count(std::string_view name, std::uint64_t &out) {
        if (const auto *value = take(name)) {
            auto number = value->as_int64();
            if (!number || *number < 0)
                return refused("invalid_non_neg_integer",
                               erlang_text(*value) + " is not an integer greater than or equal to zero");
            out = static_cast<std::uint64_t>(*number);
        }
        return {};
    }
    Result<void> positive(std::string_view name, std::uint64_t &out) {
        if (const auto *value = take(name)) {
            auto number = value->as_int64();
            if (!number || *number < 1)
                return refused("invalid_pos_integer",
                               erlang_text(*value) + " is not an integer greater than zero");
            out = static_cast<std::uint64_t>(*number);
        }
        return {};
    }

  private:
    const json::Object &body_;
    std::vector<std::string_view> taken_;
};

Result<SortField> read_sort_field(const json::Value &value) {
    SortField field;
    if (value.is_string()) {
        field.field = value.string();
    } else {
        if (!value.is_object() || value.object().size() != 1)
            return refused("invalid_sort_field", "Invalid sort field: " + erlang_text(value));
        const auto &[name, direction] = *value.object().begin();
        if (!direction.is_string() || (direction.string() != "asc" && direction.string() != "desc"))
            return refused("invalid_sort_field", "Invalid sort field: " + erlang_text(value));
        field.field = name;
        field.descending = direction.string() == "desc";
    }
    if (field.field.empty())
        return refused("invalid_sort_field", "Invalid sort field: " + erlang_text(value));
    return field;
}

Result<std::optional<std::string>> read_bookmark(const json::Value &value) {
    if (value.is_null() || (value.is_string() && value.string().empty()))
        return std::optional<std::string>();
    if (!value.is_string())
        return refused("invalid_bookmark", "Invalid bookmark value: " + erlang_text(value));
    return std::optional<std::string>(value.string());
}

Result<void> read_stale(Members &members, Query &query) {
    const auto *stale = members.take("stale");
    if (stale == nullptr || (stale->is_boolean() && !stale->boolean()))
        return {};
    if (!stale->is_string() || (stale->string() != "ok" && stale->string() != "false"))
        return refused("invalid_ok_or_false_value", "Invalid value for stale: " + erlang_text(*stale));
    query.stale_ok = stale->string() == "ok";
    return {};
}

Result<void> read_partition(Members &members, const std::optional<std::string> &of_request, Query &query) {
    query.partition = of_request.value_or("");
    const auto *partition = members.take("partition");
    if (partition == nullptr)
        return {};
    if (!partition->is_string())
        return Error(ErrorCode::illegal_partition, "Partition must be a string");
    if (of_request && *of_request != partition->string())
        return refused("bad_request", "Conflicting value for `partition` in query string");
    query.partition = partition->string();
    return {};
}

// ---- Divan's own members

constexpr std::array<std::pair<std::string_view, AggregateFunction>, 6> kFunctions = {{
    {"count", AggregateFunction::count},
    {"sum", AggregateFunction::sum},
    {"min", AggregateFunction::min},
    {"max", AggregateFunction::max},
    {"avg", AggregateFunction::avg},
    {"stats", AggregateFunction::stats},
}};

Error no_aggregate(const json::Value &value) {
    return refused(
        "invalid_aggregate",
        "An aggregate is \"count\" or {FUNCTION: FIELD}, with count, sum, min, max, avg or stats as "
        "function, not: " +
            erlang_text(value));
}

Result<Aggregate> read_aggregate(const std::string &name, const json::Value &value) {
    Aggregate aggregate;
    aggregate.name = name;
    if (value.is_string() && value.string() == "count")
        return aggregate;
    if (!value.is_object() || value.object().size() != 1)
        return no_aggregate(value);
    const auto &[function, field] = *value.object().begin();
    auto found = std::find_if(kFunctions.begin(), kFunctions.end(),
                              [&](const auto &known) { return known.first == function; });
    if (found == kFunctions.end() || !field.is_string())
        return no_aggregate(value);
    aggregate.function = found->second;
    aggregate.field = field.string();
    DIVAN_TRY(auto path, selector::parse_path(aggregate.field));
    return aggregate;
}

Result<void> read_groups(Members &members, Query &query) {
    if (const auto *distinct = members.take("distinct")) {
        if (!distinct->is_string())
            return refused("invalid_distinct",
                           "distinct must be the name of a field, not: " + erlang_text(*distinct));
        DIVAN_TRY(auto path, selector::parse_path(distinct->string()));
        query.distinct = distinct->string();
    }
    if (const auto *group_by = members.take("group_by")) {
        if (!group_by->is_array())
            return refused("invalid_group_by",
                           "group_by must be an array of fields, not: " + erlang_text(*group_by));
        DIVAN_TRY(query.group_by, read_fields(*group_by));
    }
    if (const auto *aggregates = members.take("aggregate")) {
        if (!aggregates->is_object())
            return no_aggregate(*aggregates);
        for (const auto &[name, value] : aggregates->object()) {
            DIVAN_TRY(auto aggregate, read_aggregate(name, value));
            query.aggregates.push_back(std::move(aggregate));
        }
    }
    if (query.distinct && (!query.group_by.empty() || !query.aggregates.empty()))
        return refused("invalid_distinct", "distinct does not go with group_by and aggregate.");
    if (query.is_grouped() && (!query.sort.empty() || !query.fields.empty() || query.count))
        return refused("invalid_group_by", "Groups come in the order of their fields: sort, fields and count "
                                           "do not go with distinct, group_by and aggregate.");
    for (const auto &aggregate : query.aggregates)
        if (std::find(query.group_by.begin(), query.group_by.end(), aggregate.name) != query.group_by.end())
            return refused("invalid_aggregate",
                           fmt::format("{} is a field of group_by and an aggregate.", aggregate.name));
    return {};
}

} // namespace

Result<std::vector<SortField>> read_sort(const json::Value &sort, bool mixed_allowed) {
    if (!sort.is_array())
        return refused("invalid_sort_json", "Sort must be an array of sort specs, not: " + erlang_text(sort));
    std::vector<SortField> fields;
    for (const auto &value : sort.array()) {
        DIVAN_TRY(auto field, read_sort_field(value));
        fields.push_back(std::move(field));
    }
    for (const auto &field : fields)
        if (!mixed_allowed && field.descending != fields.front().descending)
            return refused("unsupported_mixed_sort",
                           "Sorts currently only support a single direction for all fields.");
    return fields;
}

Result<std::vector<std::string>> read_use_index(const json::Value &value) {
    auto bad = [&] { return refused("invalid_index_name", "Invalid index name: " + erlang_text(value)); };
    std::vector<std::string> parts;
    if (value.is_null())
        return parts;
    if (value.is_array()) {
        if (value.array().size() > 2)
            return bad();
        for (const auto &part : value.array()) {
            if (!part.is_string())
                return bad();
            parts.push_back(part.string());
        }
        return parts;
    }
    if (!value.is_string())
        return bad();
    std::string_view name = value.string();
    constexpr std::string_view kDesign = "_design/";
    if (name.starts_with(kDesign))
        name.remove_prefix(kDesign.size());
    auto slash = name.find('/');
    parts.emplace_back(name.substr(0, slash));
    if (slash != std::string_view::npos) {
        parts.emplace_back(name.substr(slash + 1));
        if (parts.back().find('/') != std::string::npos)
            return bad();
    }
    return parts;
}

Result<Query> read_query(const json::Object &body, const std::optional<std::string> &partition,
                         const QueryDefaults &defaults) {
    Members members(body);
    Query query;
    query.limit = defaults.limit;
    const auto *selector = members.take("selector");
    if (selector == nullptr)
        return refused("missing_required_key", "Missing required key: selector");
    DIVAN_TRY(query.selector, selector::Selector::compile(*selector, defaults.selector));
    if (const auto *use_index = members.take("use_index")) {
        DIVAN_TRY(query.use_index, read_use_index(*use_index));
    }
    if (const auto *bookmark = members.take("bookmark")) {
        DIVAN_TRY(query.bookmark, read_bookmark(*bookmark));
    }
    DIVAN_TRY_VOID(members.count("limit", query.limit));
    DIVAN_TRY_VOID(members.count("skip", query.skip));
    query.sort_in_memory = defaults.sort_in_memory;
    DIVAN_TRY_VOID(members.boolean("sort_in_memory", query.sort_in_memory));
    if (const auto *sort = members.take("sort")) {
        DIVAN_TRY(query.sort, read_sort(*sort, query.sort_in_memory));
    }
    if (const auto *fields = members.take("fields")) {
        DIVAN_TRY(query.fields, read_fields(*fields));
    }
    DIVAN_TRY_VOID(read_partition(members, partition, query));
    DIVAN_TRY_VOID(members.positive("r", query.r));
    DIVAN_TRY_VOID(members.boolean("conflicts", query.conflicts));
    DIVAN_TRY_VOID(read_stale(members, query));
    DIVAN_TRY_VOID(members.boolean("update", query.update));
    DIVAN_TRY_VOID(members.boolean("stable", query.stable));
    DIVAN_TRY_VOID(members.boolean("execution_stats", query.execution_stats));
    DIVAN_TRY_VOID(members.boolean("allow_fallback", query.allow_fallback));
    DIVAN_TRY_VOID(members.boolean("count", query.count));
    DIVAN_TRY_VOID(members.boolean("verbose", query.verbose));
    DIVAN_TRY_VOID(read_groups(members, query));
    DIVAN_TRY_VOID(members.check_all_taken());
    const auto fields =
        query.sort.size() + query.fields.size() + query.group_by.size() + query.aggregates.size();
    if (fields > defaults.fields_max)
        return refused("too_many_fields",
                       fmt::format("A query names {} fields at most.", defaults.fields_max));
    return query;
}

} // namespace divan::mango
