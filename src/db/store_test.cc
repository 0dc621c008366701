// Databases that come and go while they are used.

#include "db/keys.h"
#include "db/store.h"
#include "kv/memory/memory_engine.h"
#include "kv/testing/counting_engine.h"

#include <future>
#include <gtest/gtest.h>
#include <thread>

namespace divan::db {
namespace {

class StoreTest : public testing::Test {
  protected:
    void SetUp() override { reopen(); }

    void reopen() {
        store_.reset();
        store_ = open_store({slow_, pool_, clock_, random_}, {}).value();
    }

    static Result<Written> write(Database &database, Edit edit) {
        std::promise<std::vector<Result<Written>>> promise;
        database.write({std::move(edit)}, [&](auto answers) { promise.set_value(std::move(answers)); });
        return promise.get_future().get().front();
    }

    static Result<StoredData> upload(Database &database, const std::string &id, bool commit) {
        DIVAN_TRY(auto upload, database.upload());
        DIVAN_TRY_VOID(upload->write("bytes of " + id));
        DIVAN_TRY(auto data, upload->finish(Encoding::identity, 0));
        if (commit) {
            Edit edit;
            edit.id = id;
            edit.attachments.push_back({"a", "text/plain", data, {}});
            DIVAN_TRY_VOID(write(database, std::move(edit)));
        }
        return data;
    }

    std::size_t rows(kv::ShardId shard) {
        std::size_t count = 0;
        for (auto table :
             {kv::Table::documents, kv::Table::sequences, kv::Table::index, kv::Table::attachments})
            count += engine_->scan({.shard = shard, .table = table, .keys_only = true, .rows_max = 1'000'000})
                         ->size();
        return count;
    }

    std::unique_ptr<kv::Engine> engine_ = kv::make_memory_engine();
    kv::CountingEngine slow_{*engine_};
    ThreadPool pool_{4};
    SystemClock clock_;
    SystemRandom random_;
    std::unique_ptr<Store> store_;
};

// Each opener had swept what it took for leftovers: uploads that the faster one had accepted.
TEST_F(StoreTest, OpenersAtTheSameTimeDoNotSweepEachOthersUploads) {
    ASSERT_TRUE(store_->create("db", {}).ok());
    slow_.set_latency(Millis(1));
    for (int round = 0; round < 20; ++round) {
        reopen();
        std::vector<std::future<Result<StoredData>>> uploads;
        for (int i = 0; i < 6; ++i)
            uploads.push_back(std::async(std::launch::async, [this, id = std::to_string(round * 10 + i)] {
                auto database = store_->open("db");
                EXPECT_TRUE(database.ok());
                return upload(**database, id, true);
            }));
        for (auto &future : uploads) {
            auto data = future.get();
            ASSERT_TRUE(data.ok()) << data.error().reason();
            EXPECT_TRUE((*store_->open("db"))->open_attachment(*data)->read_some().ok());
        }
    }
}

TEST_F(StoreTest, UploadsWithoutAnEditAreSweptByHousekeeping) {
    auto database = store_->create("db", {}).value();
    auto kept = upload(*database, "kept", true).value();
    auto lost = upload(*database, "lost", false).value();
    auto live = database->upload().value();
    ASSERT_TRUE(live->write(std::string(1 << 20, 'x')).ok());
    store_->housekeep();
    EXPECT_TRUE(database->open_attachment(kept)->read_some().ok());
    EXPECT_FALSE(database->open_attachment(lost)->read_some().ok());
    auto data = live->finish(Encoding::identity, 0).value();
    EXPECT_TRUE(database->open_attachment(data)->read_some().ok());
}

TEST_F(StoreTest, SweepingUnderLoadTakesNoAttachmentOfAnEdit) {
    auto database = store_->create("db", {}).value();
    std::atomic<bool> stop = false;
    std::thread sweeper([&] {
        while (!stop)
            store_->housekeep();
    });
    std::vector<std::thread> writers;
    for (int w = 0; w < 4; ++w)
        writers.emplace_back([&, w] {
            for (int i = 0; i < 300; ++i) {
                bool commit = i % 3 != 0;
                auto data = upload(*database, std::to_string(w) + "-" + std::to_string(i), commit);
                ASSERT_TRUE(data.ok());
                EXPECT_TRUE(!commit || database->open_attachment(*data)->read_some().ok());
            }
        });
    for (auto &writer : writers)
        writer.join();
    stop = true;
    sweeper.join();
    store_->housekeep();
    auto shard = kv::ShardId(1);
    auto chunks = engine_->scan({.shard = shard, .table = kv::Table::attachments, .rows_max = 10'000});
    EXPECT_EQ(chunks->size(), 4u * 200u);
}

// Writes and uploads that were under way put rows back behind the eraser.
TEST_F(StoreTest, DeletedUnderLoadLeavesNoRows) {
    constexpr std::uint32_t kLives = 60;
    std::atomic<std::uint32_t> life = 0; // of the database that is there; beyond kLives: stop
    std::vector<std::thread> threads;
    for (int w = 0; w < 4; ++w)
        threads.emplace_back([&, w] {
            for (int i = 0;; ++i) {
                auto seen = life.load();
                if (seen > kLives)
                    return;
                auto database = store_->open("db");
                if (!database.ok()) {
                    life.wait(seen);
                    continue;
                }
                auto data = upload(**database, std::to_string(w) + "-" + std::to_string(i), i % 2 == 0);
                if (!data.ok()) {
                    EXPECT_EQ(data.error().code(), ErrorCode::not_found) << data.error().reason();
                }
            }
        });
    auto next_life = [&] {
        ++life;
        life.notify_all();
    };
    while (life < kLives) {
        auto database = store_->create("db", {}).value();
        next_life();
        auto enough = std::make_shared<Event>();
        auto written = std::make_shared<std::promise<void>>();
        enough->on_notify([written] { written->set_value(); });
        database->listen(enough);
        written->get_future().get();
        ASSERT_TRUE(store_->erase("db").ok());
        store_->housekeep(); // while the writers are at it
    }
    next_life();
    for (auto &thread : threads)
        thread.join();
    store_->wait_idle();
    for (std::uint32_t shard = 1; shard <= 2 * kLives; ++shard)
        EXPECT_EQ(rows(kv::ShardId(shard)), 0u) << shard;
}

// A reader of the first life must not skip what the second one holds under the same numbers.
TEST_F(StoreTest, SequencesOfADeletedDatabaseMeanNothingToItsSuccessor) {
    auto database = store_->create("db", {}).value();
    for (const char *id : {"a", "b", "c"}) {
        Edit edit;
        edit.id = id;
        ASSERT_TRUE(write(*database, edit).ok());
    }
    auto token = database->sequence_token(database->last_sequence().value());
    ASSERT_TRUE(store_->erase("db").ok());
    database = store_->create("db", {}).value();
    for (const char *id : {"d", "e", "f", "g"}) {
        Edit edit;
        edit.id = id;
        ASSERT_TRUE(write(*database, edit).ok());
    }
    EXPECT_EQ(database->since(token)->value, 0u);
}

// Whenever the rows of a database are erased, the next one is deleted.
class EndlessDeletions final : public kv::CountingEngine {
  public:
    using CountingEngine::CountingEngine;
    Result<void> erase_shard(kv::ShardId shard) override {
        auto name = "next" + std::to_string(++erased);
        if (erased < 100) {
            EXPECT_TRUE(store->create(name, {}).ok());
            EXPECT_TRUE(store->erase(name).ok());
        }
        return CountingEngine::erase_shard(shard);
    }
    Store *store = nullptr;
    int erased = 0;
};

// Otherwise compaction and expiry would wait for ever.
TEST_F(StoreTest, HousekeepingEndsWhileDatabasesAreDeleted) {
    EndlessDeletions engine(*engine_);
    auto store = open_store({engine, pool_, clock_, random_}, {}).value();
    engine.store = store.get();
    ASSERT_TRUE(store->create("first", {}).ok());
    ASSERT_TRUE(store->erase("first").ok());
    store->housekeep();
    EXPECT_EQ(engine.erased, 1);
    store->housekeep();
    EXPECT_EQ(engine.erased, 2);
}

} // namespace
} // namespace divan::db
