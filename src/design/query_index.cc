#include "design/query_index.h"

#include <algorithm>

namespace divan::design {
namespace {

constexpr std::string_view kElements = "[]";

Error no_index(std::string reason) {
    return {ErrorCode::invalid_design_doc, std::move(reason)};
}

} // namespace

const IndexColumn *QueryIndex::element_column() const {
    auto found = std::find_if(columns.begin(), columns.end(),
                              [](const IndexColumn &column) { return column.element.has_value(); });
    return found == columns.end() ? nullptr : &*found;
}

Result<IndexColumn> parse_index_column(std::string_view field) {
    IndexColumn column;
    column.field = field;
    DIVAN_TRY(column.path, selector::parse_path(field));
    auto &steps = column.path.steps;
    auto elements = std::find(steps.begin(), steps.end(), kElements);
    if (elements == steps.end())
        return column;
    if (elements == steps.begin() || std::find(elements + 1, steps.end(), kElements) != steps.end())
        return Error(ErrorCode::bad_request, "invalid_index",
                     "An index can have one step \"[]\", behind the name of an array: " + std::string(field));
    column.element.emplace();
    column.element->steps.assign(elements + 1, steps.end());
    steps.erase(elements, steps.end());
    return column;
}

Result<QueryIndex> read_query_index(const json::Value &map, const selector::Limits &limits) {
    const auto *fields = map.is_object() ? map.object().find("fields") : nullptr;
    if (fields == nullptr || !fields->is_object())
        return no_index("`fields` of an index must be an object.");
    QueryIndex index;
    json::Array shown;
    for (const auto &[name, direction] : fields->object()) {
        if (!direction.is_string())
            return no_index("`fields` of an index must have directions.");
        DIVAN_TRY(auto column, parse_index_column(name));
        if (column.element && index.element_column() != nullptr)
            return Error(ErrorCode::bad_request, "invalid_index",
                         "An index can have one field with a step \"[]\".");
        index.columns.push_back(std::move(column));
        json::Object field;
        field.append(name, direction);
        shown.emplace_back(std::move(field));
    }
    json::Object definition;
    for (const auto &[key, value] : map.object()) {
        if (key == "fields") {
            definition.append(key, std::move(shown));
        } else if (key != "partial_filter_selector") {
            definition.append(key, value);
        } else if (!value.is_object() || !value.object().empty()) {
            DIVAN_TRY(index.filter, selector::Selector::compile(value, limits));
            definition.append(key, value);
        }
    }
    index.definition = std::move(definition);
    return index;
}

} // namespace divan::design
