#include "design/design_check.h"

#include "design/design_document.h"
#include "design/selector_validation.h"
#include "json/parser.h"

#include <algorithm>
#include <charconv>
#include <fmt/format.h>

namespace divan::design {
namespace {

using Kind = bool (json::Value::*)() const;
constexpr std::int64_t kRankMax = 100; // of _top_N and _bottom_N

Error invalid(std::string reason) {
    return Error(ErrorCode::invalid_design_doc, std::move(reason));
}

bool is_any_of(const json::Value &value, std::initializer_list<Kind> kinds) {
    return std::any_of(kinds.begin(), kinds.end(), [&](Kind kind) { return (value.*kind)(); });
}

// `path` names the value for the reason, `type` what it must be.
Result<void> require(const json::Value *value, std::initializer_list<Kind> kinds, std::string_view path,
                     std::string_view type) {
    if (value == nullptr || is_any_of(*value, kinds))
        return {};
    return invalid(fmt::format("`{}` field must have {} type", path, type));
}

constexpr auto kObject = {&json::Value::is_object};
constexpr auto kString = {&json::Value::is_string};
constexpr auto kBoolean = {&json::Value::is_boolean};
constexpr auto kFunction = {&json::Value::is_object, &json::Value::is_string};
constexpr auto kRewrites = {&json::Value::is_array, &json::Value::is_string};

Result<void> check_functions(const json::Object &design, const char *section) {
    const auto *functions = design.find(section);
    DIVAN_TRY_VOID(require(functions, kObject, section, "object"));
    if (functions == nullptr)
        return {};
    for (const auto &[name, function] : functions->object()) {
        DIVAN_TRY_VOID(
            require(&function, kFunction, fmt::format("{}.{}", section, name), "string or object"));
    }
    return {};
}

Result<void> check_options(const json::Object &design, bool partitioned_database) {
    const auto *options = design.find("options");
    DIVAN_TRY_VOID(require(options, kObject, "options", "object"));
    if (options == nullptr)
        return {};
    for (std::string_view name : {"include_design", "local_seq", "partitioned"}) {
        DIVAN_TRY_VOID(
            require(options->object().find(name), kBoolean, fmt::format("options.{}", name), "boolean"));
    }
    const auto *partitioned = options->object().find("partitioned");
    if (partitioned != nullptr && partitioned->boolean() && !partitioned_database)
        return invalid("partitioned option cannot be true in a non-partitioned database.");
    return {};
}

Result<void> check_rank(std::string_view rank) {
    std::int64_t number = 0;
    auto [end, error] = std::from_chars(rank.data(), rank.data() + rank.size(), number);
    if (error != std::errc() || end != rank.data() + rank.size())
        return invalid("invalid rank reducer");
    if (number < 1 || number > kRankMax)
        return invalid(fmt::format("rank value must be between 1 and {}", kRankMax));
    return {};
}

Result<void> check_reduce(std::string_view reduce) {
    if (reduce.empty())
        return Error(ErrorCode::not_found, "missing function");
    if (reduce[0] != '_')
        return {};
    for (std::string_view ranked : {"_top_", "_bottom_"})
        if (reduce.starts_with(ranked))
            return check_rank(reduce.substr(ranked.size()));
    // A name that only begins like one of these passes, too.
    for (std::string_view known : {"_sum", "_count", "_stats", "_approx_count_distinct", "_first", "_last"})
        if (reduce.starts_with(known))
            return {};
    return invalid(fmt::format("`{}` is not a supported reduce function.", reduce));
}

// Views in a language that nobody runs here are stored as they are.
bool is_known_language(std::string_view language) {
    return is_javascript(language) || language == "query";
}

Result<void> check_view(std::string_view name, const json::Object &view, std::string_view language) {
    bool map_is_object = language == "query";
    const auto *map = view.find("map");
    const auto *reduce = view.find("reduce");
    DIVAN_TRY_VOID(require(map, map_is_object ? kObject : kString, fmt::format("views.{}.map", name),
                           map_is_object ? "object" : "string"));
    DIVAN_TRY_VOID(require(reduce, kString, fmt::format("views.{}.reduce", name), "string"));
    if (map == nullptr)
        return invalid(fmt::format("View `{}` must contain map function", name));
    if (!is_known_language(language))
        return {};
    if (map->is_string() && map->string().empty())
        return Error(ErrorCode::not_found, "missing function");
    return reduce == nullptr ? Result<void>() : check_reduce(reduce->string());
}

Result<void> check_views(const json::Object &design, std::string_view language) {
    const auto *views = design.find("views");
    DIVAN_TRY_VOID(require(views, kObject, "views", "object"));
    if (views == nullptr)
        return {};
    for (const auto &[name, view] : views->object()) {
        DIVAN_TRY_VOID(require(&view, kObject, fmt::format("views.{}", name), "object"));
        if (name != "lib") {
            DIVAN_TRY_VOID(check_view(name, view.object(), language));
        }
    }
    return {};
}

} // namespace

Result<void> check_members(std::string_view json, bool partitioned, const selector::Limits &limits) {
    DIVAN_TRY(auto value, json::parse(json, {.depth_max = json::kAnyDepth}));
    const auto &design = value.object();
    for (const char *section : {"filters", "lists", "shows", "updates"}) {
        DIVAN_TRY_VOID(check_functions(design, section));
    }
    const auto *language = design.find("language");
    DIVAN_TRY_VOID(require(language, kString, "language", "string"));
    DIVAN_TRY_VOID(check_options(design, partitioned));
    DIVAN_TRY_VOID(require(design.find("rewrites"), kRewrites, "rewrites", "array or string"));
    const auto *validate = design.find("validate_doc_update");
    DIVAN_TRY_VOID(require(validate, kFunction, "validate_doc_update", "object or string"));
    if (validate != nullptr && language != nullptr && language->string() == "query") {
        DIVAN_TRY_VOID(check_selector_validation(*validate, limits));
    }
    return check_views(design, language != nullptr ? std::string_view(language->string()) : "javascript");
}

} // namespace divan::design
