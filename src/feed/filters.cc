#include "feed/filters.h"

#include "base/encoding.h"
#include "design/function_error.h"

#include <algorithm>
#include <fmt/format.h>
#include <vector>

namespace divan::feed {
namespace {

// "ddoc/name", each decoded once more, as CouchDB does.
std::vector<std::string> name_parts(std::string_view name) {
    std::vector<std::string> parts;
    while (!name.empty()) {
        auto part = name.substr(0, name.find('/'));
        name.remove_prefix(std::min(name.size(), part.size() + 1));
        if (!part.empty())
            parts.push_back(percent_decode(part, true).value_or(std::string(part)));
    }
    return parts;
}

// The source of a view's map.
Result<std::string> map_source(const design::DesignDocument &document, const std::string &name) {
    DIVAN_TRY(auto stored, document.function("views", name));
    const auto *view = document.view(name);
    if (view == nullptr)
        return Error(ErrorCode::not_found, "missing json key: map");
    return view->map;
}

} // namespace

Result<FunctionFilter> find_function_filter(const std::shared_ptr<db::Database> &database,
                                            design::DesignDocuments &designs, std::string_view section,
                                            std::string_view name, const char *malformed) {
    auto parts = name_parts(name);
    if (parts.size() != 2)
        return Error(ErrorCode::bad_request, malformed);
    DIVAN_TRY(auto document, designs.find(database, "_design/" + parts[0]));
    FunctionFilter filter;
    filter.is_map = section == "views";
    Result<std::string> source =
        filter.is_map ? map_source(*document, parts[1]) : document->function(section, parts[1]);
    if (!source.ok())
        return source.error();
    DIVAN_TRY_VOID(design::require_javascript(*document));
    auto path = filter.is_map ? fmt::format("views.{}.map", parts[1]) : fmt::format("filters.{}", parts[1]);
    filter.program = design::function_program(*database, *document, std::move(path), std::move(*source));
    return filter;
}

Result<std::shared_ptr<const selector::Selector>> read_selector(const json::Object &object,
                                                                const selector::Limits &limits) {
    const auto *selector = object.find("selector");
    if (selector == nullptr || !selector->is_object())
        return Error(ErrorCode::bad_request, "Selector error: expected a JSON object");
    auto compiled = selector::Selector::compile(*selector, limits);
    if (!compiled.ok())
        return Error(ErrorCode::bad_request, compiled.error().reason());
    return std::move(*compiled);
}

} // namespace divan::feed
