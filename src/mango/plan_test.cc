#include "mango/plan.h"

#include "collation/sort_key.h"
#include "mango/source.h"
#include "mango/testing_indexes.h"
#include "selector/selector.h"

#include <gtest/gtest.h>
#include <map>

namespace divan::mango {
namespace {

// Knows how many rows there are by the names of indexes.
class FakeEstimator final : public Estimator {
  public:
    Result<std::uint64_t> rows(const Index &index, std::span<const views::RowSpan> /*spans*/) override {
        ++asked;
        return rows_of[std::string(index.name())];
    }
    Result<std::uint64_t> documents() override { return std::uint64_t{100'000}; }

    std::map<std::string, std::uint64_t> rows_of;
    int asked = 0;
};

struct Planned {
    explicit Planned(std::vector<std::shared_ptr<const Index>> json_indexes)
        : indexes(std::move(json_indexes)) {
        indexes.insert(indexes.begin(), std::make_shared<Index>());
    }
    Result<Plan> plan(std::string_view body, const std::optional<Pinned> &pinned = {}) {
        query = test_query(body);
        return make_plan(indexes, query, pinned, estimator, {.union_documents_max = 1'000});
    }

    Indexes indexes;
    Query query;
    FakeEstimator estimator;
};

TEST(Plan, TheChoiceOfCouchdbCostsNoEstimateWithoutAnAlternative) {
    Planned planned({test_index("d", "a", {"a"})});
    auto plan = planned.plan(R"({"selector":{"a":1}})");
    ASSERT_TRUE(plan.ok());
    EXPECT_EQ(plan->kind, Plan::Kind::index);
    EXPECT_TRUE(plan->scan().exact);
    EXPECT_EQ(plan->scan().spans.size(), 1u);
    EXPECT_EQ(planned.estimator.asked, 0);
}

TEST(Plan, AnIndexWithFarFewerRowsWins) {
    Planned planned({test_index("d", "a", {"a"}), test_index("d", "b", {"b"})});
    planned.estimator.rows_of = {{"a", 50'000}, {"b", 10}};
    EXPECT_EQ(planned.plan(R"({"selector":{"a":1,"b":2}})")->index()->name(), "b");
    planned.estimator.rows_of = {{"a", 50'000}, {"b", 20'000}};
    EXPECT_EQ(planned.plan(R"({"selector":{"a":1,"b":2}})")->index()->name(), "a");
    // Who asks for one gets it.
    planned.estimator.rows_of = {{"a", 50'000}, {"b", 10}};
    EXPECT_EQ(planned.plan(R"({"selector":{"a":1,"b":2},"use_index":["d","a"]})")->index()->name(), "a");
}

TEST(Plan, AnIndexThatSparesDocumentsWins) {
    Planned planned({test_index("d", "a", {"a"}), test_index("d", "ab", {"a", "b"})});
    planned.estimator.rows_of = {{"a", 5'000}, {"ab", 5'000}};
    constexpr auto kFields = R"({"selector":{"a":{"$gt":0}},"sort":["a"],"fields":["a"]})";
    EXPECT_EQ(planned.plan(kFields)->index()->name(), "a");
    // Groups have no order of documents: the covering one is always better.
    auto grouped =
        planned.plan(R"({"selector":{"b":{"$gt":0}},"group_by":["a"],"aggregate":{"s":{"sum":"b"}}})");
    EXPECT_EQ(grouped->index()->name(), "ab");
    EXPECT_TRUE(grouped->scan().covering);
    EXPECT_EQ(grouped->group_columns, 1u);
    Planned wider({test_index("d", "ca", {"c", "a"}), test_index("d", "cab", {"c", "a", "b"})});
    wider.estimator.rows_of = {{"ca", 5'000}, {"cab", 5'000}};
    constexpr auto kCovered = R"({"selector":{"c":{"$gt":0},"a":{"$ne":1},"b":{"$ne":1}},"fields":["c"]})";
    EXPECT_EQ(wider.plan(kCovered)->index()->name(), "cab");
    wider.estimator.rows_of = {{"ca", 50}, {"cab", 50}}; // not worth another order than CouchDB's
    EXPECT_EQ(wider.plan(kCovered)->index()->name(), "ca");
}

TEST(Plan, PagesStayWithTheirIndex) {
    Planned planned({test_index("d", "a", {"a"}), test_index("d", "b", {"b"})});
    planned.estimator.rows_of = {{"a", 50'000}, {"b", 10}};
    EXPECT_EQ(planned.plan(R"({"selector":{"a":1,"b":2}})", Pinned{"_design/d/a"})->index()->name(), "a");
    EXPECT_EQ(planned.plan(R"({"selector":{"a":1,"b":2}})", Pinned{""})->kind, Plan::Kind::documents);
    EXPECT_EQ(planned.plan(R"({"selector":{"a":1,"b":2}})", Pinned{"_design/d/gone"}).error().word(),
              "invalid_bookmark");
}

TEST(Plan, EachValueOfInIsASpan) {
    Planned planned({test_index("d", "ab", {"a", "b"})});
    auto plan = planned.plan(R"({"selector":{"a":{"$eq":1},"b":{"$in":[3,1,2]}}})");
    ASSERT_EQ(plan->kind, Plan::Kind::index);
    EXPECT_EQ(plan->scan().spans.size(), 4u); // and arrays
    EXPECT_EQ(plan->scan().point_columns, 1u);
    EXPECT_FALSE(plan->scan().exact);
}

TEST(Plan, OrOfSeveralFieldsIsAUnionIfItIsSmall) {
    Planned planned({test_index("d", "a", {"a"}), test_index("d", "b", {"b"})});
    planned.estimator.rows_of = {{"a", 20}, {"b", 30}};
    auto plan = planned.plan(R"({"selector":{"$or":[{"a":1},{"b":2}]}})");
    ASSERT_EQ(plan->kind, Plan::Kind::any_index);
    EXPECT_EQ(plan->scans.size(), 2u);
    planned.estimator.rows_of = {{"a", 20}, {"b", 30'000}};
    EXPECT_EQ(planned.plan(R"({"selector":{"$or":[{"a":1},{"b":2}]}})")->kind, Plan::Kind::documents);
    planned.estimator.rows_of = {{"a", 20}, {"b", 30}};
    EXPECT_EQ(planned.plan(R"({"selector":{"$or":[{"a":1},{"c":2}]}})")->kind, Plan::Kind::documents);
}

TEST(Plan, ElementsOfArraysAreFoundByTheirIndex) {
    Planned planned({test_index("d", "tags", {"tags.[]"})});
    EXPECT_EQ(planned.plan(R"({"selector":{"tags":{"$all":["x"]}}})")->kind, Plan::Kind::index);
    EXPECT_EQ(planned.plan(R"({"selector":{"tags":{"$size":2}}})")->kind, Plan::Kind::documents);
    EXPECT_EQ(planned.plan(R"({"selector":{"tags":{"$all":["x"]}},"allow_fallback":false})").error().word(),
              "invalid_index");
}

TEST(Plan, OneIdIsReadWithoutAnIndex) {
    Planned planned({test_index("d", "a", {"a"})});
    auto plan = planned.plan(R"({"selector":{"_id":"x","a":1}})");
    EXPECT_EQ(plan->kind, Plan::Kind::documents);
    EXPECT_TRUE(plan->ids.only_points());
}

TEST(Plan, SortsWithoutAnIndexAreRefusedUnlessAskedFor) {
    Planned planned({test_index("d", "a", {"a"})});
    auto refused = planned.plan(R"({"selector":{"type":"x","b":{"$gt":1}},"sort":["b"]})");
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().word(), "no_usable_index");
    EXPECT_NE(refused.error().reason().find(R"({"index":{"fields":["type","b"]}})"), std::string::npos);
    auto plan =
        planned.plan(R"({"selector":{"a":{"$gt":1}},"sort":["b",{"a":"desc"}],"sort_in_memory":true})");
    ASSERT_TRUE(plan.ok());
    EXPECT_TRUE(plan->sort_in_memory);
    EXPECT_EQ(plan->kind, Plan::Kind::index);
    EXPECT_FALSE(
        planned.plan(R"({"selector":{"a":{"$gt":1}},"sort":["a"],"sort_in_memory":true})")->sort_in_memory);
}

TEST(Plan, GroupsFollowAnIndexThatHasTheirOrder) {
    Planned planned({test_index("d", "ab", {"a", "b"})});
    EXPECT_EQ(planned.plan(R"({"selector":{"b":{"$gt":null}},"group_by":["a"]})")->group_columns, 1u);
    EXPECT_EQ(planned.plan(R"({"selector":{"a":1},"group_by":["b"]})")->group_columns, 2u);
    EXPECT_EQ(planned.plan(R"({"selector":{"b":1},"group_by":["c"]})")->group_columns, 0u);
}

// Rows of documents that match lie in the spans; of an exact scan no others do.
TEST(Plan, SpansHoldTheRowsOfWhatMatches) {
    auto index = test_index("d", "abc", {"a", "b", "c"});
    const std::vector<std::string> values = {"null", "1", "2", "\"x\"", "[1]", "[]"};
    const std::vector<std::string> selectors = {R"({"a":1})",
                                                R"({"a":{"$gte":1},"b":2})",
                                                R"({"a":{"$in":[1,"x"]},"b":{"$in":[1,2]},"c":{"$gt":null}})",
                                                R"({"$or":[{"a":1},{"a":"x"}],"b":{"$lt":2}})",
                                                R"({"a":1,"b":{"$exists":true},"c":{"$lte":2}})",
                                                R"({"a":{"$ne":1},"b":1})",
                                                R"({"a":{"$gt":1,"$lt":1},"b":1})"};
    for (const auto &text : selectors) {
        auto query = test_query(R"({"selector":)" + text + "}");
        auto scan = scan_of(index, query.selector->root(), query);
        ASSERT_TRUE(scan.has_value());
        selector::Matcher matcher(query.selector);
        for (const auto &a : values)
            for (const auto &b : values)
                for (const auto &c : values) {
                    auto matches =
                        matcher.matches(R"({"_id":"d","a":)" + a + R"(,"b":)" + b + R"(,"c":)" + c + "}");
                    auto position = position_of(*index, "", parsed("[" + a + "," + b + "," + c + "]"), "d");
                    bool inside = std::any_of(scan->spans.begin(), scan->spans.end(), [&](const auto &span) {
                        return position >= span.begin && (span.end.empty() || position < span.end);
                    });
                    EXPECT_TRUE(inside || !matches) << text << " " << a << b << c;
                    EXPECT_TRUE(matches || !inside || !scan->exact) << text << " " << a << b << c;
                }
    }
}

} // namespace
} // namespace divan::mango
