// Queries of one partition: they answer as a database of their own would, and read its rows alone.

#include "api/testing/in_process_server.h"
#include "base/bytes.h"
#include "kv/memory/memory_engine.h"
#include "kv/testing/counting_engine.h"
#include "views/row_key.h"
#include "json/parser.h"
#include "json/writer.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <map>
#include <mutex>
#include <random>

namespace divan::api {
namespace {

// ---- the same answers

constexpr const char *kViews =
    R"({"views":{)"
    R"("rows":{"map":"function(doc){for(var i=0;i<doc.keys.length;i++)emit(doc.keys[i],doc.n+i)}"},)"
    R"("sum":{"map":"function(doc){for(var i=0;i<doc.keys.length;i++)emit(doc.keys[i],doc.n)}","reduce":"_sum"},)"
    R"("js":{"map":"function(doc){emit([doc.n%3,doc.n],doc.n)}",)"
    R"("reduce":"function(keys,values){return sum(values)}"},)"
    R"("raw":{"map":"function(doc){emit(doc.keys,1)}","reduce":"_count","options":{"collation":"raw"}}}})";

const std::vector<std::string> kViewNames = {"rows", "sum", "js", "raw"};

// Some names begin like others, and their bytes sort around the colon.
const std::vector<std::string> kPartitions = {"a", "a!", "aa", "b"};

class PartitionViews : public testing::Test {
  protected:
    void SetUp() override {
        ask("PUT", "/whole?partitioned=true", 201);
        for (const auto &name : kPartitions) {
            ask("PUT", own(name), 201);
            ask("PUT", own(name) + "/_design/d", 201, kViews);
        }
        ask("PUT", "/whole/_design/d", 201, kViews);
    }

    std::string ask(const std::string &method, const std::string &target, int status,
                    const std::string &body = {}) {
        auto answer = server_.ask(method, target, body);
        EXPECT_EQ(answer.status, status) << method << " " << target << " " << answer.body;
        return answer.body;
    }

    // The database that holds the documents of a partition alone.
    static std::string own(const std::string &partition) {
        return "/p" + std::to_string(std::find(kPartitions.begin(), kPartitions.end(), partition) -
                                     kPartitions.begin());
    }

    std::string some_key() {
        auto number = std::to_string(random_() % 12);
        switch (random_() % 5) {
        case 0:
            return number;
        case 1:
            return "\"k" + number + "\"";
        case 2:
            return "[" + number + ",\"x\"]";
        case 3:
            return "[" + number + "," + std::to_string(random_() % 3) + ",null]";
        default:
            return "{\"o\":" + number + "}";
        }
    }

    // Writes, changes and deletes documents in both places.
    void change(std::size_t documents) {
        for (const auto &partition : kPartitions) {
            std::string docs;
            for (std::size_t i = 0; i < documents; ++i) {
                auto id = partition + ":" + std::to_string(random_() % 300);
                auto &generation = generations_[id];
                ++generation;
                std::string keys = some_key();
                if (random_() % 3 == 0)
                    keys += "," + keys; // equal keys of one document
                docs += docs.empty() ? "" : ",";
                docs += R"({"_id":")" + id + R"(","_rev":")" + std::to_string(generation) + "-" +
                        std::to_string(random_() % 10'000) + R"(","n":)" + std::to_string(random_() % 1'000) +
                        R"(,"keys":[)" + keys + "]" +
                        (generation > 1 && random_() % 4 == 0 ? R"(,"_deleted":true})" : "}");
            }
            auto body = R"({"new_edits":false,"docs":[)" + docs + "]}";
            ask("POST", "/whole/_bulk_docs", 201, body);
            ask("POST", own(partition) + "/_bulk_docs", 201, body);
        }
    }

    std::string some_query(const std::string &view) {
        std::string query = "?";
        auto add = [&](const std::string &parameter) { query += parameter + "&"; };
        bool reduced = view != "rows" && random_() % 3 != 0;
        if (!reduced)
            add("reduce=false");
        bool keys = random_() % 5 == 0;
        if (keys)
            add("keys=[" + some_key() + "," + some_key() + "]");
        if (reduced && (keys || random_() % 2 == 0))
            add("group=true");
        else if (reduced && random_() % 2 == 0)
            add("group_level=" + std::to_string(1 + random_() % 2));
        if (!keys && random_() % 2 == 0)
            add("startkey=" + some_key());
        if (!keys && random_() % 2 == 0)
            add("endkey=" + some_key());
        if (random_() % 3 == 0)
            add("descending=true");
        if (random_() % 4 == 0)
            add("inclusive_end=false");
        if (random_() % 3 == 0)
            add("skip=" + std::to_string(random_() % 200));
        if (random_() % 3 == 0)
            add("limit=" + std::to_string(random_() % 50));
        if (!reduced && random_() % 5 == 0)
            add("include_docs=true");
        return query;
    }

    static std::uint64_t member(const json::Value &answer, const char *name) {
        return static_cast<std::uint64_t>(answer.object().find(name)->as_int64().value());
    }

    std::unique_ptr<kv::Engine> engine_ = kv::make_memory_engine();
    InProcessServer server_{*engine_};
    std::mt19937 random_{1};
    std::map<std::string, int> generations_;
};

TEST_F(PartitionViews, APartitionAnswersAsADatabaseOfItsOwn) {
    std::size_t rows_seen = 0;
    std::size_t refused = 0;
    for (int round = 0; round < 4; ++round) {
        change(round == 0 ? 250 : 40);
        for (int i = 0; i < 120; ++i) {
            const auto &view = kViewNames[random_() % kViewNames.size()];
            const auto &partition = kPartitions[random_() % kPartitions.size()];
            auto query = "/_design/d/_view/" + view + some_query(view);
            auto name = partition == "a!" ? "a%21" : partition;
            auto expected = server_.ask("GET", own(partition) + query);
            auto found = server_.ask("GET", "/whole/_partition/" + name + query);
            ASSERT_EQ(found.status, expected.status) << partition << query << found.body;
            if (expected.status != 200) {
                ASSERT_EQ(found.body, expected.body);
                ++refused;
                continue;
            }
            auto left = json::parse(found.body).value();
            auto right = json::parse(expected.body).value();
            ASSERT_EQ(json::to_text(*left.object().find("rows")), json::to_text(*right.object().find("rows")))
                << partition << query;
            rows_seen += right.object().find("rows")->array().size();
            if (!right.object().contains("offset"))
                continue;
            // Counts are those of the whole index, where rows stand partition by partition.
            std::uint64_t total = 0;
            std::uint64_t before = 0;
            bool descending = query.find("descending=true") != std::string::npos;
            for (const auto &other : kPartitions) {
                auto size = member(
                    json::parse(
                        ask("GET", own(other) + "/_design/d/_view/" + view + "?reduce=false&limit=0", 200))
                        .value(),
                    "total_rows");
                total += size;
                before += (descending ? other > partition : other < partition) ? size : 0;
            }
            ASSERT_EQ(member(left, "total_rows"), total) << partition << query;
            // Over keys an offset is right only where a row was found, and never beyond the end.
            if (query.find("keys=") == std::string::npos && query.find("skip=") == std::string::npos) {
                ASSERT_EQ(member(left, "offset"), before + member(right, "offset")) << partition << query;
            }
        }
    }
    EXPECT_GT(rows_seen, 5'000u);
    EXPECT_GT(refused, 10u);
}

// ---- what they read

constexpr int kPartitionCount = 100;
constexpr int kRowsPerPartition = 100;

// Notes which rows of maps were read.
class RowsSeen : public kv::CountingEngine {
  public:
    using kv::CountingEngine::CountingEngine;

    Result<kv::Page> scan(const kv::ScanRequest &request) override {
        auto page = kv::CountingEngine::scan(request);
        if (page.ok())
            note(request, *page);
        return page;
    }
    Result<std::vector<kv::Page>> scan_many(std::span<const kv::ScanRequest> requests) override {
        auto pages = kv::CountingEngine::scan_many(requests);
        for (std::size_t i = 0; pages.ok() && i < requests.size(); ++i)
            note(requests[i], (*pages)[i]);
        return pages;
    }
    std::vector<std::string> take() {
        std::lock_guard lock(mutex_);
        return std::exchange(keys_, {});
    }

  private:
    void note(const kv::ScanRequest &request, const kv::Page &page) {
        std::lock_guard lock(mutex_);
        auto prefix_size = views::row_prefix(0, 0).size();
        for (std::size_t i = 0; i < page.size(); ++i)
            if (request.table == kv::Table::index && page.key(i).front() == 'r')
                keys_.emplace_back(page.key(i).substr(prefix_size));
    }

    std::mutex mutex_;
    std::vector<std::string> keys_;
};

// 100 partitions with 100 documents each.
class PartitionCosts : public testing::Test {
  protected:
    static void SetUpTestSuite() {
        memory_ = kv::make_memory_engine().release();
        engine_ = new RowsSeen(*memory_);
        server_ = new InProcessServer(*engine_);
        ASSERT_EQ(server_->ask("PUT", "/db?partitioned=true").status, 201);
        for (int partition = 0; partition < kPartitionCount; ++partition) {
            std::string docs;
            for (int i = 0; i < kRowsPerPartition; ++i)
                docs += (i > 0 ? ",{\"_id\":\"" : "{\"_id\":\"") + name(partition) + ":" +
                        std::to_string(1'000 + i) + R"(","n":)" + std::to_string(i) + "}";
            ASSERT_EQ(server_->ask("POST", "/db/_bulk_docs", R"({"docs":[)" + docs + "]}").status, 201);
        }
        ASSERT_EQ(server_
                      ->ask("PUT", "/db/_design/d",
                            R"({"views":{"v":{"map":"function(doc){emit([doc.n%10,doc.n],doc.n)}",)"
                            R"("reduce":"_sum"}}})")
                      .status,
                  201);
        get("?limit=1"); // builds the index
    }
    static void TearDownTestSuite() {
        delete server_;
        delete engine_;
        delete memory_;
    }

    static std::string name(int partition) { return "p" + std::to_string(100 + partition); }

    // Asks partition 50.
    static json::Object get(const std::string &query) {
        auto answer = server_->ask("GET", "/db/_partition/" + name(50) + "/_design/d/_view/v" + query);
        EXPECT_EQ(answer.status, 200) << answer.body;
        return json::parse(answer.body).value().object();
    }

    // How many rows of maps, and rows of the engine, a query reads; the former of which lie elsewhere.
    struct Cost {
        std::size_t rows;
        std::size_t rows_of_others;
        std::uint64_t engine_rows;
    };
    static Cost cost(const std::string &query) {
        engine_->take();
        auto before = engine_->calls();
        get(query);
        auto engine_rows = (engine_->calls() - before).scan_rows;
        std::string prefix;
        views::append_partition(prefix, name(50));
        auto keys = engine_->take();
        auto others = std::count_if(keys.begin(), keys.end(),
                                    [&](const std::string &key) { return !key.starts_with(prefix); });
        std::printf("%-40s %zu rows of maps, %td of others, %llu of the engine\n", query.c_str(), keys.size(),
                    others, static_cast<unsigned long long>(engine_rows));
        return {keys.size(), static_cast<std::size_t>(others), engine_rows};
    }

    static inline kv::Engine *memory_ = nullptr;
    static inline RowsSeen *engine_ = nullptr;
    static inline InProcessServer *server_ = nullptr;
};

TEST_F(PartitionCosts, AReduceReadsRowsOfItsPartitionAlone) {
    for (std::string query : {"", "?group=true", "?group_level=1", "?startkey=[2]&endkey=[5]&group=true",
                              "?descending=true&group_level=1", "?key=[3,3]"}) {
        auto spent = cost(query);
        EXPECT_EQ(spent.rows_of_others, 0u) << query;
        EXPECT_GT(spent.rows, 0u) << query;
        EXPECT_LE(spent.engine_rows, kRowsPerPartition + 20u) << query;
    }
    EXPECT_EQ(get("").find("rows")->array().at(0).object().find("value")->as_int64(), 4'950);
}

TEST_F(PartitionCosts, RowsAreReadOnceAndTheOffsetIsCounted) {
    // About 32 entries of each of the two levels on both sides of where the partition begins, twice as many
    // by chance; the rows next to it are among them.
    constexpr std::uint64_t kOffset = 4 * 64;
    for (std::string query :
         {"?reduce=false", "?reduce=false&descending=true", "?reduce=false&include_docs=true"}) {
        auto spent = cost(query);
        EXPECT_GE(spent.rows, static_cast<std::size_t>(kRowsPerPartition)) << query;
        EXPECT_LE(spent.rows_of_others, 128u) << query;
        EXPECT_LE(spent.engine_rows, kRowsPerPartition + kOffset) << query;
    }
    auto answer = get("?reduce=false&limit=1");
    EXPECT_EQ(answer.find("total_rows")->as_int64(), kPartitionCount * kRowsPerPartition);
    EXPECT_EQ(answer.find("offset")->as_int64(), 50 * kRowsPerPartition);
}

TEST_F(PartitionCosts, TheSizeOfAPartitionIsOneRow) {
    auto before = engine_->calls();
    auto answer = server_->ask("GET", "/db/_partition/" + name(50));
    auto calls = engine_->calls() - before;
    EXPECT_NE(answer.body.find(R"("doc_count":100)"), std::string::npos) << answer.body;
    EXPECT_EQ(calls.round_trips(), 1u);
    EXPECT_EQ(calls.read_keys, 1u);
}

} // namespace
} // namespace divan::api
