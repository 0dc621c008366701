// Databases that come and go while they are used.

#include "db/keys.h"
#include "db/store.h"
#include "kv/memory/memory_engine.h"
#include "kv/testing/counting_engine.h"

#include <functional>
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
        database.write({std::move(edit)}, WriteContext::system(),
                       [&](auto answers) { promise.set_value(std::move(answers)); });
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

// Something happens after a writer has looked whether its database is there, and before it writes.
class InterruptedEngine final : public kv::CountingEngine {
  public:
    using CountingEngine::CountingEngine;
    Result<std::unique_ptr<kv::Commit>> begin(kv::ShardId shard, std::span<const kv::KeyRef> reads,
                                              std::uint32_t sequence_count) override {
        interrupt(before_begin);
        return CountingEngine::begin(shard, reads, sequence_count);
    }
    Result<void> stage(kv::ShardId shard, kv::WriteBatch batch) override {
        interrupt(before_stage);
        return CountingEngine::stage(shard, std::move(batch));
    }
    // Each is run once.
    std::function<void()> before_begin;
    std::function<void()> before_stage;

  private:
    static void interrupt(std::function<void()> &what) {
        if (auto once = std::exchange(what, {}))
            once();
    }
};

TEST_F(StoreTest, NothingIsWrittenBehindTheEraser) {
    InterruptedEngine engine(*engine_);
    auto store = open_store({engine, pool_, clock_, random_}, {}).value();
    auto erase = [&] {
        EXPECT_TRUE(store->erase("db").ok());
        store->housekeep();
    };
    auto database = store->create("db", {}).value();
    auto shard = engine.last_sequence(kv::kCatalogShard)->value;
    engine.before_begin = erase;
    Edit edit;
    edit.id = "a";
    EXPECT_EQ(write(*database, edit).error().code(), ErrorCode::not_found);
    EXPECT_EQ(rows(kv::ShardId(static_cast<std::uint32_t>(shard))), 0u);

    database = store->create("db", {}).value();
    shard = engine.last_sequence(kv::kCatalogShard)->value;
    engine.before_stage = erase;
    EXPECT_EQ(upload(*database, "a", false).error().code(), ErrorCode::not_found);
    EXPECT_EQ(rows(kv::ShardId(static_cast<std::uint32_t>(shard))), 0u);
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
    EXPECT_EQ(database->since(token, database->last_sequence().value())->value, 0u);
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
