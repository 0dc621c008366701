#include "mango/indexes.h"

#include "base/encoding.h"
#include "crypto/digest.h"
#include "mango/erlang_term.h"
#include "mango/query.h"
#include "selector/erlang_text.h"
#include "json/writer.h"

#include <algorithm>
#include <fmt/format.h>
#include <tuple>

namespace divan::mango {
namespace {

using selector::erlang_text;

constexpr std::string_view kDesign = "_design/";
constexpr std::string_view kAllDocs = "_all_docs";

Error refused(std::string word, std::string reason) {
    return {ErrorCode::bad_request, std::move(word), std::move(reason)};
}

json::Value object_of(std::string_view name, json::Value value) {
    json::Object object;
    object.append(std::string(name), std::move(value));
    return object;
}

// ---- what is asked for

Result<void> check_keys(const json::Object &body, std::initializer_list<std::string_view> known) {
    for (const auto &[key, value] : body)
        if (std::find(known.begin(), known.end(), key) == known.end())
            return refused("invalid_key", fmt::format("Invalid key {} for this request.", key));
    return {};
}

Result<std::optional<std::string>> read_name(const json::Object &body, std::string_view member) {
    const auto *value = body.find(member);
    if (value == nullptr)
        return std::optional<std::string>();
    if (!value->is_string())
        return refused("invalid_string", "Invalid string: " + erlang_text(*value));
    if (value->string().empty())
        return refused("invalid_empty_string", "Index name or ddoc cannot be empty string");
    return std::optional<std::string>(value->string());
}

Result<void> check_type(const json::Object &body) {
    const auto *type = body.find("type");
    if (type == nullptr)
        return {};
    if (!type->is_string())
        return refused("invalid_string", "Invalid string: " + erlang_text(*type));
    if (type->string() == "text" || type->string() == "nouveau")
        return Error(ErrorCode::service_unavailable, "required index service unavailable", type->string());
    if (type->string() != "json")
        return refused("invalid_index", "Invalid type for index: " + type->string());
    return {};
}

Result<std::int64_t> read_w(const json::Object &body) {
    const auto *w = body.find("w");
    if (w == nullptr)
        return std::int64_t{2};
    auto number = w->as_int64();
    if (!number || *number < 1)
        return refused("invalid_pos_integer", erlang_text(*w) + " is not an integer greater than zero");
    return *number;
}

Result<std::optional<bool>> read_partitioned(const json::Object &body) {
    const auto *partitioned = body.find("partitioned");
    if (partitioned == nullptr)
        return std::optional<bool>();
    if (!partitioned->is_boolean())
        return refused("invalid_partitioned_value",
                       "Invalid value for partitioned: " + erlang_text(*partitioned));
    return std::optional<bool>(partitioned->boolean());
}

// The `map` of the view: fields with directions, and the filter in its normal form.
Result<json::Value> map_of(const json::Value &definition, const selector::Limits &limits) {
    if (!definition.is_object())
        return refused("invalid_index", "JSON indexes must be an object, not: " + erlang_text(definition));
    const auto &members = definition.object();
    const auto *fields = members.find("fields");
    if (fields == nullptr)
        return refused("missing_required_key", "Missing required key: fields");
    DIVAN_TRY(auto columns, read_sort(*fields, false));
    json::Object directions;
    bool elements = false;
    for (const auto &column : columns) {
        DIVAN_TRY(auto parsed, design::parse_index_column(column.field));
        if (parsed.element && std::exchange(elements, true))
            return refused("invalid_index", "An index can have one field with a step \"[]\".");
        directions.set(column.field, column.descending ? "desc" : "asc");
    }
    json::Value filter = json::Object();
    if (const auto *selector = members.find("partial_filter_selector")) {
        DIVAN_TRY(auto compiled, selector::Selector::compile(*selector, limits));
        filter = compiled->to_json(false);
    }
    DIVAN_TRY_VOID(check_keys(members, {"fields", "partial_filter_selector"}));
    json::Object map;
    map.append("fields", std::move(directions));
    map.append("partial_filter_selector", std::move(filter));
    return json::Value(std::move(map));
}

// ---- names of indexes without one: a hash of what was asked for, as CouchDB computes it

struct Asked {
    const json::Value &definition;
    const std::optional<std::string> &ddoc, &name;
    const std::optional<bool> &partitioned;
    std::int64_t w;
};

void append_option(std::string &term, std::string_view name, const std::optional<json::Value> &value,
                   std::string_view otherwise) {
    erlang::append_tuple(term, 2);
    erlang::append_atom(term, name);
    if (value)
        erlang::append_json(term, *value);
    else
        erlang::append_atom(term, otherwise);
}

std::optional<json::Value> as_json(const auto &value) {
    return value ? std::optional<json::Value>(*value) : std::nullopt;
}

std::string generated_name(const Asked &asked) {
    std::string term;
    erlang::append_version(term);
    erlang::append_tuple(term, 2);
    erlang::append_json(term, asked.definition);
    erlang::append_list(term, 6);
    append_option(term, "ddoc", as_json(asked.ddoc), "auto_name");
    append_option(term, "def", asked.definition, "");
    append_option(term, "name", as_json(asked.name), "auto_name");
    append_option(term, "partitioned", as_json(asked.partitioned), "db_default");
    append_option(term, "type", json::Value("json"), "");
    append_option(term, "w", json::Value(asked.w), "");
    erlang::append_nil(term);
    return hex_encode(crypto::sha1(term));
}

json::Value view_of(const NewIndex &index) {
    json::Object view;
    view.append("map", index.map);
    view.append("reduce", "_count");
    view.append("options", object_of("def", index.definition));
    return view;
}

// Members of a design document that says no more than that it has no indexes.
bool says_nothing(const json::Object &document) {
    return std::all_of(document.begin(), document.end(), [](const json::Member &member) {
        if (member.key == "options")
            return member.value.is_object() && member.value.object().size() == 1 &&
                   member.value.object().contains("partitioned");
        return member.key == "language";
    });
}

json::Object without_special_members(const json::Value &document) {
    json::Object body;
    for (const auto &[key, value] : document.object())
        if (!key.starts_with('_'))
            body.append(key, value);
    return body;
}

} // namespace

// ---- indexes that exist

std::string_view Index::design_id() const {
    return is_special() ? std::string_view() : document->id;
}

std::string_view Index::name() const {
    return is_special() ? kAllDocs : std::string_view(view->name);
}

std::vector<std::string> Index::fields() const {
    if (is_special())
        return {"_id"};
    std::vector<std::string> names;
    for (const auto &column : definition().columns)
        names.push_back(column.field);
    return names;
}

json::Value Index::to_json() const {
    json::Object shown;
    if (is_special()) {
        shown.append("ddoc", nullptr);
        shown.append("name", kAllDocs);
        shown.append("type", "special");
        shown.append("def", object_of("fields", json::Array{object_of("_id", "asc")}));
        return shown;
    }
    shown.append("ddoc", document->id);
    shown.append("name", view->name);
    shown.append("type", "json");
    shown.append("partitioned", partitioned);
    shown.append("def", definition().definition);
    return shown;
}

Indexes indexes_of(std::span<const std::shared_ptr<const design::DesignDocument>> documents,
                   bool database_partitioned) {
    Indexes indexes;
    for (const auto &document : documents)
        for (const auto &view : document->views)
            if (view.index != nullptr) {
                bool partitioned = document->partitioned.value_or(database_partitioned);
                indexes.push_back(std::make_shared<Index>(Index{document, &view, partitioned}));
            }
    std::sort(indexes.begin(), indexes.end(), [](const auto &left, const auto &right) {
        return std::tuple(left->design_id(), left->name()) < std::tuple(right->design_id(), right->name());
    });
    indexes.insert(indexes.begin(), std::make_shared<Index>());
    return indexes;
}

// ---- changes of design documents

Result<NewIndex> read_new_index(const json::Object &body, const selector::Limits &limits) {
    const auto *definition = body.find("index");
    if (definition == nullptr)
        return refused("missing_required_key", "Missing required key: index");
    const auto *type = body.find("type");
    if (type != nullptr && !type->is_string())
        return refused("invalid_string", "Invalid string: " + erlang_text(*type));
    DIVAN_TRY(auto name, read_name(body, "name"));
    DIVAN_TRY(auto ddoc, read_name(body, "ddoc"));
    DIVAN_TRY(auto w, read_w(body));
    DIVAN_TRY(auto partitioned, read_partitioned(body));
    DIVAN_TRY_VOID(check_keys(body, {"index", "type", "name", "ddoc", "w", "partitioned"}));
    DIVAN_TRY_VOID(check_type(body));
    NewIndex index;
    DIVAN_TRY(index.map, map_of(*definition, limits));
    index.definition = *definition;
    index.partitioned = partitioned;
    std::string generated;
    if (!name || !ddoc)
        generated = generated_name({*definition, ddoc, name, partitioned, w});
    index.name = name.value_or(generated);
    index.design_id = ddoc.value_or(generated);
    if (!index.design_id.starts_with(kDesign))
        index.design_id.insert(0, kDesign);
    return index;
}

Result<std::optional<json::Value>> with_index(const json::Value *existing, const NewIndex &index) {
    json::Object body;
    if (existing != nullptr) {
        body = without_special_members(*existing);
        const auto *language = body.find("language");
        if (language == nullptr || !language->is_string() || language->string() != "query")
            return refused("invalid_ddoc_lang",
                           "Existing design doc has an invalid language: " +
                               (language == nullptr ? std::string("false") : erlang_text(*language)));
    } else {
        body.append("language", "query");
    }
    const auto *views = body.find("views");
    json::Object changed = views != nullptr && views->is_object() ? views->object() : json::Object();
    changed.set(index.name, view_of(index));
    body.set("views", std::move(changed));

    const auto *options = body.find("options");
    std::optional<bool> partitioned;
    if (options != nullptr && options->is_object())
        if (const auto *option = options->object().find("partitioned"); option && option->is_boolean())
            partitioned = option->boolean();
    if (index.partitioned != partitioned) {
        if (existing != nullptr)
            return refused("invalid_partitioned_option",
                           "Requested partitioned option does not match existing value on design document " +
                               index.design_id);
        body.set("options", object_of("partitioned", *index.partitioned));
    }
    if (existing != nullptr && body == without_special_members(*existing))
        return std::optional<json::Value>();
    return std::optional<json::Value>(std::move(body));
}

std::optional<json::Value> without_index(const json::Value &document, std::string_view name) {
    auto body = without_special_members(document);
    auto *views = body.find("views");
    views->object().erase(name);
    if (views->object().empty())
        body.erase("views");
    if (says_nothing(body))
        return std::nullopt;
    return json::Value(std::move(body));
}

} // namespace divan::mango
