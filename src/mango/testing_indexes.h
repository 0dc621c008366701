#pragma once

// Indexes without a database, for tests of this module.

#include "mango/plan.h"
#include "json/parser.h"

namespace divan::mango {

inline json::Value parsed(std::string_view text) {
    auto value = json::parse(text);
    DIVAN_CHECK(value.ok());
    return std::move(value).value();
}

// "DESIGN/NAME" of fields, as a design document would hold it. `filter`: a selector, or empty.
inline std::shared_ptr<const Index> test_index(const std::string &design, const std::string &name,
                                               const std::vector<std::string> &fields,
                                               std::string_view filter = {}) {
    json::Object directions;
    for (const auto &field : fields)
        directions.set(field, "asc");
    json::Object map;
    map.append("fields", std::move(directions));
    map.append("partial_filter_selector", filter.empty() ? json::Value(json::Object()) : parsed(filter));
    auto read = design::read_query_index(json::Value(map), {});
    DIVAN_CHECK(read.ok());
    auto document = std::make_shared<design::DesignDocument>();
    document->id = "_design/" + design;
    document->language = "query";
    design::ViewDefinition view;
    view.name = name;
    view.index = std::make_shared<const design::QueryIndex>(std::move(read).value());
    document->views.push_back(std::move(view));
    const auto *definition = &document->views.front();
    return std::make_shared<Index>(Index{std::move(document), definition, false});
}

inline Query test_query(std::string_view body) {
    auto query = read_query(parsed(body).object(), std::nullopt, {});
    DIVAN_CHECK(query.ok());
    return std::move(query).value();
}

} // namespace divan::mango
