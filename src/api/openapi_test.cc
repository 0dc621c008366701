#include "api/dispatcher.h"
#include "api/openapi.h"
#include "api/openapi_shapes.h"
#include "json/parser.h"

#include <gtest/gtest.h>

#include <set>

namespace divan::api {
namespace {

// Operations that the API has only to refuse them.
bool is_refused(const Route &route) {
    return route.summary.starts_with("Refused") || route.summary.starts_with("Gone");
}

TEST(OpenapiTest, EveryRouteHasOneShape) {
    std::set<std::pair<std::string_view, std::string_view>> routes;
    for (const auto &route : all_routes()) {
        EXPECT_TRUE(routes.emplace(route.method, route.pattern).second) << route.method << route.pattern;
        if (!is_described(route))
            continue;
        EXPECT_EQ(find_shape(route.method, route.pattern) == nullptr, is_refused(route))
            << route.method << " " << route.pattern << ": see openapi_shapes.cc";
    }
    std::set<std::pair<std::string_view, std::string_view>> shapes;
    for (const auto &shape : all_shapes()) {
        EXPECT_TRUE(shapes.emplace(shape.method, shape.pattern).second) << shape.method << shape.pattern;
        EXPECT_TRUE(routes.contains({shape.method, shape.pattern})) << shape.method << " " << shape.pattern;
    }
}

TEST(OpenapiTest, TextIsJsonAndItsReferencesLeadSomewhere) {
    auto text = openapi_text();
    auto parsed = json::parse(text);
    ASSERT_TRUE(parsed.ok());
    const auto &components = parsed->object().find("components")->object();
    const auto &schemas = components.find("schemas")->object();
    constexpr std::string_view kReference = "#/components/schemas/";
    std::size_t references = 0;
    for (auto at = text.find(kReference); at != std::string::npos; at = text.find(kReference, at + 1)) {
        auto name = text.substr(at + kReference.size());
        EXPECT_TRUE(schemas.contains(name.substr(0, name.find('"')))) << name.substr(0, 40);
        ++references;
    }
    EXPECT_GT(references, all_shapes().size());
}

} // namespace
} // namespace divan::api
