// What happens to indexes besides being built: another ICU, purges without records, cleanup, an interrupted
// build.

#include "api/testing/in_process_server.h"
#include "base/bytes.h"
#include "kv/memory/memory_engine.h"
#include "kv/testing/counting_engine.h"
#include "views/format.h"
#include "json/parser.h"

#include <gtest/gtest.h>

#include <chrono>
#include <thread>

namespace divan::api {
namespace {

constexpr std::string_view kView = "/db/_design/d/_view/v";

class ViewUpkeep : public testing::Test {
  protected:
    void SetUp() override {
        start();
        ASSERT_EQ(ask("PUT", "/db").status, 201);
        ASSERT_EQ(ask("PUT", "/db/_design/d",
                      R"({"views":{"v":{"map":"function(doc){emit(doc.k,doc.n)}","reduce":"_sum"}},)"
                      R"("autoupdate":false})")
                      .status,
                  201);
    }

    void start() {
        server_.reset();
        server_ = std::make_unique<InProcessServer>(engine_);
    }

    Answer ask(std::string method, const std::string &target, std::string body = {}) {
        return server_->ask(std::move(method), target, std::move(body));
    }

    void save(int count) {
        std::string docs = R"({"docs":[)";
        for (int i = 0; i < count; ++i)
            docs += (i > 0 ? ",{\"_id\":\"doc" : "{\"_id\":\"doc") + std::to_string(i) + R"(","k":"k)" +
                    std::to_string(i % 7) + R"(","n":)" + std::to_string(i) + "}";
        ASSERT_EQ(ask("POST", "/db/_bulk_docs", docs + "]}").status, 201);
    }

    std::string rows(const std::string &query = "?reduce=false") {
        auto answer = ask("GET", std::string(kView) + query);
        EXPECT_EQ(answer.status, 200) << answer.body;
        return answer.body;
    }

    kv::ShardId shard() { return server_->store().open("db").value()->derived_rows().shard; }

    std::vector<std::pair<views::IndexNumber, views::IndexRecord>> records() {
        kv::ScanRequest request{.shard = shard(), .table = kv::Table::index};
        request.begin = std::string(views::kIndexRecords);
        request.end = prefix_end(views::kIndexRecords);
        auto page = memory_->scan(request);
        std::vector<std::pair<views::IndexNumber, views::IndexRecord>> records;
        for (std::size_t i = 0; i < page->size(); ++i)
            records.emplace_back(ByteReader(page->key(i).substr(1)).u32(),
                                 views::decode_record(page->value(i)).value());
        return records;
    }

    void put_record(views::IndexNumber number, const views::IndexRecord &record) {
        kv::WriteBatch batch;
        batch.put(kv::Table::index, views::index_record(number), views::encode_record(record));
        ASSERT_TRUE(memory_->stage(shard(), std::move(batch)).ok());
    }

    std::size_t index_rows() {
        return memory_
            ->scan({.shard = shard(), .table = kv::Table::index, .keys_only = true, .rows_max = 100'000})
            ->size();
    }

    // Asks until it is so, for a bounded time.
    template <typename Check> static bool eventually(Check check) {
        auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
        while (std::chrono::steady_clock::now() < end) {
            if (check())
                return true;
            std::this_thread::yield();
        }
        return false;
    }

    std::unique_ptr<kv::Engine> memory_ = kv::make_memory_engine();
    kv::CountingEngine engine_{*memory_};
    std::unique_ptr<InProcessServer> server_;
};

TEST_F(ViewUpkeep, AnotherVersionOfIcuBuildsTheIndexAnewWhileTheOldOneAnswers) {
    save(300);
    auto expected = rows();
    auto [number, record] = records().at(0);
    record.collator_version = "1.0/old";
    put_record(number, record);
    start();
    EXPECT_EQ(rows(), expected) << "the old index answers";
    ASSERT_TRUE(eventually([&] {
        rows(); // each query looks whether there is something to replace
        auto all = records();
        return all.size() == 1 && all[0].first != number;
    }));
    EXPECT_EQ(records()[0].second.collator_version, collation::collator_version());
    EXPECT_TRUE(records()[0].second.live);
    EXPECT_EQ(rows(), expected);
    auto rows_of_one = index_rows();
    ASSERT_EQ(ask("PUT", "/db/more", R"({"k":"z","n":1})").status, 201);
    EXPECT_NE(rows().find("\"more\""), std::string::npos) << "the new index goes on";
    EXPECT_EQ(index_rows(), rows_of_one + 2) << "the old one's rows are gone";
}

TEST_F(ViewUpkeep, AReplacementGoesOnAfterARestart) {
    save(300);
    auto expected = rows();
    auto [number, record] = records().at(0);
    record.collator_version = "1.0/old";
    put_record(number, record);
    auto begun = record;
    begun.live = false;
    begun.collator_version = collation::collator_version();
    begun.sequence = kv::Sequence(0);
    begun.maps[0] = {};
    begun.external_bytes = begun.stored_bytes = 0;
    put_record(number + 10, begun);
    start();
    ASSERT_TRUE(eventually([&] {
        rows();
        auto all = records();
        return all.size() == 1 && all[0].first == number + 10 && all[0].second.live;
    }));
    EXPECT_EQ(rows(), expected);
}

TEST_F(ViewUpkeep, PurgedDocumentsLeaveAlsoWhenTheirRecordsAreLost) {
    save(50);
    rows();
    ASSERT_EQ(ask("PUT", "/db/_purged_infos_limit", "2").status, 200);
    for (int i = 10; i < 20; ++i) {
        auto id = "doc" + std::to_string(i);
        auto rev = json::parse(ask("GET", "/db/" + id).body).value().object().find("_rev")->string();
        ASSERT_EQ(ask("POST", "/db/_purge", R"({")" + id + R"(":[")" + rev + R"("]})").status, 201);
    }
    auto before = records().at(0);
    auto left = rows();
    EXPECT_EQ(left.find("\"doc10\""), std::string::npos);
    EXPECT_EQ(left.find("\"doc19\""), std::string::npos);
    EXPECT_NE(left.find("\"total_rows\":40"), std::string::npos) << left;
    EXPECT_EQ(records().at(0).first, before.first) << "not built anew";
    EXPECT_EQ(records().at(0).second.purge_seq, 10u);
}

TEST_F(ViewUpkeep, CleanupErasesWhatNoDesignDocumentHas) {
    save(100);
    rows();
    auto rows_of_one = index_rows();
    auto rev = json::parse(ask("GET", "/db/_design/d").body).value().object().find("_rev")->string();
    ASSERT_EQ(ask("PUT", "/db/_design/d",
                  R"({"_rev":")" + rev + R"(","views":{"v":{"map":"function(doc){emit(doc.n,1)}"}}})")
                  .status,
              201);
    rows("");
    EXPECT_EQ(records().size(), 2u);
    ASSERT_EQ(ask("POST", "/db/_view_cleanup", "{}").status, 202);
    ASSERT_TRUE(eventually([&] { return records().size() == 1; }));
    EXPECT_LE(index_rows(), rows_of_one + 5);
    EXPECT_NE(rows("").find("\"total_rows\":100"), std::string::npos);
}

TEST_F(ViewUpkeep, ARenameBuildsNothing) {
    save(100);
    rows();
    auto written = engine_.calls().stages;
    ASSERT_EQ(ask("PUT", "/db/_design/other",
                  R"({"views":{"w":{"map":"function(doc){emit(doc.k,doc.n)}","reduce":"_sum"}}})")
                  .status,
              201);
    auto answer = ask("GET", "/db/_design/other/_view/w?reduce=false");
    EXPECT_NE(answer.body.find("\"total_rows\":100"), std::string::npos) << answer.body;
    EXPECT_EQ(records().size(), 1u);
    EXPECT_LE(engine_.calls().stages - written, 1u) << "only that the feed has gone on";
}

TEST_F(ViewUpkeep, RowsGoWithTheDatabase) {
    save(100);
    rows();
    auto gone = shard();
    ASSERT_EQ(ask("DELETE", "/db").status, 200);
    server_->store().wait_idle();
    EXPECT_TRUE(memory_->scan({.shard = gone, .table = kv::Table::index})->empty());
}

} // namespace
} // namespace divan::api
