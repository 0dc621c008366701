// What queries of a large view cost: rows of the engine that are touched, asserted, on the way of a request.

#include "api/testing/in_process_server.h"
#include "kv/memory/memory_engine.h"
#include "kv/testing/counting_engine.h"
#include "json/parser.h"

#include <gtest/gtest.h>

namespace divan::api {
namespace {

constexpr int kRows = 200'000;
constexpr int kRowsPerRequest = 4'000;
constexpr int kGroups = 10;
// Four levels with about 32 entries of each on both sides of a range, and some more by chance.
constexpr std::uint64_t kRowsOfARange = 900;
// Reading begins with a page of rows, to see whether the group is a small one.
constexpr std::uint64_t kRowsOfAGroup = 300 + kRowsOfARange;

// A view of 200,000 rows: keys [group, number].
class ViewCosts : public testing::Test {
  protected:
    static void SetUpTestSuite() {
        memory_ = kv::make_memory_engine().release();
        engine_ = new kv::CountingEngine(*memory_);
        server_ = new InProcessServer(*engine_);
        ASSERT_EQ(server_->ask("PUT", "/db").status, 201);
        for (int begin = 0; begin < kRows; begin += kRowsPerRequest) {
            std::string docs = R"({"docs":[)";
            for (int i = begin; i < begin + kRowsPerRequest; ++i)
                docs += (i > begin ? ",{\"_id\":\"" : "{\"_id\":\"") + std::to_string(1'000'000 + i) +
                        R"(","n":)" + std::to_string(i) + "}";
            ASSERT_EQ(server_->ask("POST", "/db/_bulk_docs", docs + "]}").status, 201);
        }
        ASSERT_EQ(server_
                      ->ask("PUT", "/db/_design/d",
                            R"({"views":{"sum":{"map":"function(doc){emit([doc.n%10,doc.n],doc.n)}",)"
                            R"("reduce":"_sum"},"js":{"map":"function(doc){emit([doc.n%10,doc.n],doc.n)}",)"
                            R"("reduce":"function(keys,values){return sum(values)}"}}})")
                      .status,
                  201);
        ASSERT_EQ(get("sum?reduce=false&limit=1").find("total_rows")->as_int64(), kRows);
    }
    static void TearDownTestSuite() {
        delete server_;
        delete engine_;
        delete memory_;
    }

    static json::Object get(const std::string &query) {
        auto answer = server_->ask("GET", "/db/_design/d/_view/" + query);
        EXPECT_EQ(answer.status, 200) << answer.body;
        return json::parse(answer.body).value().object();
    }

    // Asks, and says how many rows that touched.
    static std::uint64_t touched(const std::string &query, json::Object *answer = nullptr) {
        auto before = engine_->calls();
        auto got = get(query);
        if (answer != nullptr)
            *answer = std::move(got);
        return (engine_->calls() - before).scan_rows;
    }

    static inline kv::Engine *memory_ = nullptr;
    static inline kv::CountingEngine *engine_ = nullptr;
    static inline InProcessServer *server_ = nullptr;
};

std::int64_t first_value(const json::Object &answer) {
    return answer.find("rows")->array().at(0).object().find("value")->as_int64().value();
}

TEST_F(ViewCosts, ARangeIsReducedFromTheTree) {
    // [3, 1000] to [3, 150000]: 1003, 1013, ...
    std::int64_t expected = 0;
    for (std::int64_t n = 1'003; n <= 150'000; n += 10)
        expected += n;
    for (std::string view : {"sum", "js"}) {
        json::Object answer;
        EXPECT_LT(touched(view + "?startkey=[3,1000]&endkey=[3,150000]", &answer), kRowsOfAGroup) << view;
        EXPECT_EQ(first_value(answer), expected) << view;
        EXPECT_LT(touched(view, &answer), kRowsOfAGroup) << view;
        EXPECT_EQ(first_value(answer), std::int64_t{kRows} * (kRows - 1) / 2) << view;
    }
}

TEST_F(ViewCosts, LargeGroupsAreReducedFromTheTree) {
    for (std::string view : {"sum", "js"}) {
        json::Object answer;
        EXPECT_LT(touched(view + "?group_level=1", &answer), kGroups * kRowsOfAGroup) << view;
        EXPECT_EQ(answer.find("rows")->array().size(), kGroups) << view;
        EXPECT_LT(touched(view + "?group_level=1&descending=true&limit=2", &answer), 2 * kRowsOfAGroup)
            << view;
    }
}

TEST_F(ViewCosts, SkipAndOffsetAreRanks) {
    json::Object answer;
    EXPECT_LT(touched("sum?reduce=false&skip=123456&limit=1", &answer), 2 * kRowsOfARange);
    EXPECT_EQ(answer.find("offset")->as_int64(), 123'456);
    EXPECT_EQ(first_value(answer), 34'566); // 6 groups of 20,000 before, then the 3,456th of the group
    EXPECT_LT(touched("sum?reduce=false&startkey=[7,0]&limit=1", &answer), 2 * kRowsOfARange);
    EXPECT_EQ(answer.find("offset")->as_int64(), 140'000);
    EXPECT_LT(touched("sum?reduce=false&descending=true&skip=123456&limit=1", &answer), 2 * kRowsOfARange);
    EXPECT_EQ(answer.find("offset")->as_int64(), 123'456);
}

TEST_F(ViewCosts, APointCostsTheSameHoweverLargeTheView) {
    auto before = engine_->calls();
    get("sum?reduce=false&key=[4,44444]");
    auto calls = engine_->calls() - before;
    EXPECT_LT(calls.scan_rows, kRowsOfARange);
    EXPECT_LE(calls.round_trips(), 14u);
}

TEST_F(ViewCosts, AnEditTouchesTheRowsNearIt) {
    ASSERT_EQ(server_->ask("PUT", "/db/new", R"({"n":77777})").status, 201);
    json::Object answer;
    EXPECT_LT(touched("sum?reduce=false&key=[7,77777]", &answer), 4 * kRowsOfARange);
    EXPECT_EQ(answer.find("rows")->array().size(), 2);
    EXPECT_EQ(answer.find("total_rows")->as_int64(), kRows + 1);
}

} // namespace
} // namespace divan::api
