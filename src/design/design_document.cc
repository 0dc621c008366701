#include "design/design_document.h"

#include "base/bytes.h"
#include "base/encoding.h"
#include "crypto/digest.h"
#include "json/parser.h"
#include "json/writer.h"

#include <algorithm>
#include <fmt/format.h>
#include <set>

namespace divan::design {
namespace {

const json::Value *find_member(const json::Value *value, std::string_view name) {
    return value != nullptr && value->is_object() ? value->object().find(name) : nullptr;
}

bool is_true(const json::Value *value) {
    return value != nullptr && value->is_true();
}

std::string string_or(const json::Value *value, std::string_view otherwise) {
    return std::string(value != nullptr && value->is_string() ? std::string_view(value->string())
                                                              : otherwise);
}

std::optional<ViewDefinition> read_view(std::string_view name, const json::Value &value, bool query,
                                        const selector::Limits &limits) {
    const auto *map = find_member(&value, "map");
    if (map == nullptr || !(query ? map->is_object() : map->is_string()))
        return std::nullopt;
    ViewDefinition view;
    view.name = name;
    view.map = query ? json::to_text(*map) : map->string();
    view.reduce = string_or(find_member(&value, "reduce"), "");
    if (string_or(find_member(find_member(&value, "options"), "collation"), "") == "raw")
        view.order = collation::Order::raw;
    const auto *options = find_member(&value, "options");
    if (query && options != nullptr && options->is_object())
        if (auto index = read_query_index(*map, limits); index.ok())
            view.index = std::make_shared<const QueryIndex>(std::move(*index));
    return view;
}

void read_views(const json::Value &json, DesignDocument &document) {
    const auto *views = find_member(&json, "views");
    if (views == nullptr || !views->is_object())
        return;
    for (const auto &[name, value] : views->object()) {
        // A library whose module is called "map" is a view, too: as in CouchDB.
        if (name == "lib")
            document.lib = json::to_text(value);
        if (auto view = read_view(name, value, document.language == "query", document.selector_limits)) {
            document.views.push_back(std::move(*view));
        }
    }
}

void read_options(const json::Value &json, DesignDocument &document) {
    const auto *options = find_member(&json, "options");
    document.local_seq = is_true(find_member(options, "local_seq"));
    document.include_design = is_true(find_member(options, "include_design"));
    if (const auto *partitioned = find_member(options, "partitioned");
        partitioned != nullptr && partitioned->is_boolean())
        document.partitioned = partitioned->boolean();
}

std::string global_signature(const DesignDocument &document) {
    std::set<std::string> views;
    for (const auto &view : document.views) {
        std::string text;
        append_sized(text, view.map);
        append_sized(text, view.reduce);
        append_u8(text, view.order == collation::Order::raw ? 1 : 0);
        views.insert(std::move(text));
    }
    std::string text;
    append_sized(text, document.language);
    append_sized(text, document.lib);
    append_u8(text, document.local_seq ? 1 : 0);
    append_u8(text, document.include_design ? 1 : 0);
    append_u8(text, document.partitioned ? (*document.partitioned ? 1 : 0) : 2);
    for (const auto &view : views)
        append_sized(text, view);
    return hex_encode(crypto::md5(text));
}

} // namespace

const ViewDefinition *DesignDocument::view(std::string_view view_name) const {
    auto found = std::find_if(views.begin(), views.end(),
                              [&](const ViewDefinition &view) { return view.name == view_name; });
    return found == views.end() ? nullptr : &*found;
}

bool is_javascript(std::string_view language) {
    return language == "javascript" || language == "javascript_quickjs" ||
           language == "javascript_spidermonkey";
}

bool DesignDocument::is_javascript() const {
    return design::is_javascript(language);
}

Result<std::string> DesignDocument::function(std::string_view section, std::string_view name) const {
    const json::Value *found = &json;
    for (auto step : {section, name}) {
        if (!found->is_object())
            return Error(ErrorCode::not_found, "json_mismatch");
        found = found->object().find(step);
        if (found == nullptr)
            return Error(ErrorCode::not_found, fmt::format("missing json key: {}", step));
    }
    // What is no source does not compile, and says so when it is called.
    return found->is_string() ? found->string() : json::to_text(*found);
}

Result<DesignDocument> read_design_document(std::string id, std::string rev, std::string_view json,
                                            const selector::Limits &limits) {
    DIVAN_TRY(auto value, json::parse(json, {.depth_max = json::kAnyDepth}));
    if (!value.is_object())
        return Error(ErrorCode::invalid_design_doc, "A design document is an object.");
    json::Object whole;
    whole.append("_id", id);
    whole.append("_rev", rev);
    for (auto &[key, member] : value.object())
        if (key != "_id" && key != "_rev")
            whole.append(std::move(key), std::move(member));
    DesignDocument document;
    document.id = std::move(id);
    document.rev = std::move(rev);
    document.json = std::move(whole);
    document.text = json::to_text(document.json);
    // The text, the values and the views, each of which holds it once at most.
    document.bytes = sizeof(DesignDocument) + 4 * document.text.size();
    document.selector_limits = limits;
    document.language = string_or(find_member(&document.json, "language"), "javascript");
    read_views(document.json, document);
    read_options(document.json, document);
    const auto *autoupdate = find_member(&document.json, "autoupdate");
    document.autoupdate = autoupdate == nullptr || !autoupdate->is_boolean() || autoupdate->boolean();
    if (const auto *validate = find_member(&document.json, "validate_doc_update")) {
        document.validate_doc_update = validate->is_string() ? validate->string() : json::to_text(*validate);
        if (document.language == "query")
            if (auto compiled = selector::Selector::compile(*validate, limits); compiled.ok())
                document.validation_selector = std::move(*compiled);
    }
    document.signature = global_signature(document);
    return document;
}

bool has_partitioned_views(const DesignDocument &document, bool partitioned_database) {
    return partitioned_database && document.partitioned.value_or(true);
}

std::string view_signature(const DesignDocument &document, bool partitioned_database) {
    if (!has_partitioned_views(document, partitioned_database))
        return document.signature;
    return hex_encode(crypto::md5("partitioned " + document.signature));
}

} // namespace divan::design
