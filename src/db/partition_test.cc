#include "db/partition.h"

#include "db/format.h"
#include "db/keys.h"
#include "db/store.h"
#include "db/tree_rows.h"
#include "kv/memory/memory_engine.h"
#include "kv/testing/counting_engine.h"

#include <algorithm>
#include <future>
#include <gtest/gtest.h>
#include <map>
#include <random>

namespace divan::db {
namespace {

constexpr kv::ShardId kShard{1}; // of the first database
constexpr const char *kNoPartition = "Doc id must be of form partition:id";

std::string reason(const Result<void> &outcome) {
    return outcome.ok() ? "" : std::string(outcome.error().reason());
}

TEST(Partition, IsWhatStandsBeforeTheFirstColon) {
    EXPECT_EQ(partition_of("a:b"), "a");
    EXPECT_EQ(partition_of("a:b:c"), "a");
    EXPECT_EQ(partition_of(":b"), "");
    EXPECT_EQ(partition_of("a:"), "a");
    for (std::string_view id : {"", "a", "_design/a:b", "_local/a:b", "_a:b"})
        EXPECT_EQ(partition_of(id), std::nullopt) << id;
}

TEST(Partition, NamesAsInCouchDb) {
    for (std::string_view name : {"a", " ", "A_b", "a/b", "\xc3\xa9"})
        EXPECT_EQ(reason(check_partition_name(name)), "") << name;
    EXPECT_EQ(reason(check_partition_name("")), "Partition must not be empty");
    EXPECT_EQ(reason(check_partition_name("_a")), "Partition must not start with an underscore");
    EXPECT_EQ(reason(check_partition_name("\xff")), "Partition must be valid UTF-8");
    EXPECT_EQ(reason(check_partition_name("a:b")), "Partition must not contain a colon");
    EXPECT_EQ(check_partition_name("").error().code(), ErrorCode::illegal_partition);
}

TEST(Partition, IdsAsInCouchDb) {
    for (std::string_view id : {"a:b", "a:b:c", "a b:c", "_design/x", "_local/x", "a:_design/x"})
        EXPECT_EQ(reason(check_partitioned_id(id)), "") << id;
    EXPECT_EQ(reason(check_partitioned_id("a")), kNoPartition);
    EXPECT_EQ(reason(check_partitioned_id(":a")), "Partition must not be empty");
    EXPECT_EQ(check_partitioned_id(":a").error().code(), ErrorCode::illegal_partition);
    EXPECT_EQ(reason(check_partitioned_id("a:")), "Document id must not be empty");
    EXPECT_EQ(reason(check_partitioned_id("a:_b")), "Only reserved document ids may start with underscore.");
    // What can be asked for, and is not there.
    for (std::string_view id : {":a", "a:", "a:_b", "_a"})
        EXPECT_EQ(reason(check_names_partition(id)), "") << id;
    EXPECT_EQ(reason(check_names_partition("a")), kNoPartition);
}

TEST(Partition, IdsOfAPartitionLieInItsRange) {
    std::mt19937 random(1);
    std::string_view letters = "a!:;_z";
    for (int i = 0; i < 20'000; ++i) {
        std::string id;
        for (auto size = random() % 6; size > 0; --size)
            id.push_back(letters[random() % letters.size()]);
        if (id.starts_with('_') || !check_partitioned_id(id).ok())
            continue;
        for (std::string name : {"a", "a!", "z", "a;"}) {
            auto ids = ids_of_partition(name);
            EXPECT_EQ(ids.begin <= id && id < ids.end, partition_of(id) == name) << id << " " << name;
        }
    }
}

// A partitioned database whose rows can be read.
class PartitionsTest : public testing::Test {
  protected:
    void SetUp() override {
        engine_ = kv::make_memory_engine();
        counting_ = std::make_unique<kv::CountingEngine>(*engine_);
        options_.inline_body_bytes_max = 64;
        options_.compaction_replaced_bytes_min = 1 << 30; // not by itself
        store_ = open_store({*counting_, pool_, clock_, random_}, options_).value();
        database_ = store_->create("db", {.partitioned = true}).value();
    }

    void limit_partitions(std::uint64_t bytes_max) {
        options_.partition_bytes_max = bytes_max;
        store_->set_options(options_);
    }

    std::vector<Result<Written>> write(std::vector<Edit> edits) {
        std::promise<std::vector<Result<Written>>> promise;
        database_->write(std::move(edits), WriteContext::system(),
                         [&](auto answers) { promise.set_value(std::move(answers)); });
        return promise.get_future().get();
    }

    static Edit edit(const std::string &id, std::size_t body_bytes, std::optional<doc::RevId> parent = {}) {
        Edit edit;
        edit.id = id;
        edit.json = R"({"v":")" + std::string(body_bytes, 'x') + "\"}";
        edit.parent = std::move(parent);
        return edit;
    }

    Result<Written> put(const std::string &id, std::size_t body_bytes,
                        std::optional<doc::RevId> parent = {}) {
        return write({edit(id, body_bytes, std::move(parent))}).front();
    }

    // What the counters of a partition are to say, counted from the documents' rows.
    using Counts = std::array<std::uint64_t, 4>;
    std::map<std::string, Counts> recount() {
        std::map<std::string, Counts> counts;
        kv::ScanRequest request;
        request.shard = kShard;
        request.begin = std::string(keys::kHeadPrefix);
        request.end = "i";
        request.rows_max = 100'000;
        auto page = engine_->scan(request).value();
        for (std::size_t i = 0; i < page.size(); ++i) {
            auto id = std::string(page.key(i).substr(1));
            auto head = format::decode_head(page.value(i)).value();
            auto &[documents, deleted, active, external] = counts[std::string(partition_of(id).value_or(""))];
            ++(head.recent.front().info.deleted ? deleted : documents);
            external += head.external_bytes;
            for (const auto &leaf : database_->tree(*database_->head(id).value())->leaves()) {
                if (head.body_inline && leaf.info.body == head.recent.front().info.body) {
                    active += head.body.size();
                    continue;
                }
                auto payload =
                    format::read_chunks(*engine_, kShard, keys::body(head.document_number, leaf.info.body))
                        .value();
                active += payload ? payload->size() : 0;
            }
        }
        return counts;
    }

    Counts counted(const std::string &partition) {
        auto info = database_->partition_info(partition).value();
        return {info.document_count, info.deleted_count, info.active_bytes, info.external_bytes};
    }

    ThreadPool pool_{2};
    ManualClock clock_;
    SeededRandom random_{1};
    std::unique_ptr<kv::Engine> engine_;
    std::unique_ptr<kv::CountingEngine> counting_;
    StoreOptions options_;
    std::unique_ptr<Store> store_;
    std::shared_ptr<Database> database_;
};

TEST_F(PartitionsTest, CountersEqualARecountAfterAnything) {
    const std::vector<std::string> partitions = {"a", "a!", "b"};
    std::mt19937 choice(1);
    std::map<std::string, std::vector<doc::RevId>> revisions; // that were ever written, of each document
    auto some_id = [&] {
        return choice() % 20 == 0
                   ? "_design/" + std::to_string(choice() % 3)
                   : partitions[choice() % partitions.size()] + ":" + std::to_string(choice() % 3);
    };
    // Small bodies lie in heads, large ones in rows.
    auto some_bytes = [&] { return choice() % 2 == 0 ? choice() % 20 : 100 + choice() % 100; };
    auto some_edit = [&](const std::string &id) {
        auto head = database_->head(id).value();
        auto &known = revisions[id];
        auto one = edit(id, some_bytes());
        one.deleted = choice() % 4 == 0;
        if (!known.empty() && choice() % 3 == 0) {
            // A branch next to what is there, or a root of its own.
            const auto &parent = known[choice() % known.size()];
            doc::RevPath path;
            path.start = choice() % 3 == 0 ? 1 : parent.generation + 1;
            path.hashes.push_back(doc::RevHash::from_text(std::to_string(choice() % 60)));
            if (path.start > 1)
                path.hashes.push_back(parent.hash);
            // Ancestors that were unknown, or not.
            while (path.hashes.size() < path.start && choice() % 3 == 0)
                path.hashes.push_back(doc::RevHash::from_text(std::to_string(choice() % 60)));
            one.path = std::move(path);
        } else if (head && !known.empty() && choice() % 3 == 0) {
            one.parent = known[choice() % known.size()];
        } else if (head && !head->deleted) {
            one.parent = head->rev;
        }
        if (choice() % 5 == 0) {
            auto upload = database_->upload().value();
            EXPECT_TRUE(upload->write("bytes").ok());
            one.attachments.push_back(
                {"file", "text/plain", upload->finish(Encoding::identity, 5).value(), 1});
        }
        return one;
    };
    std::size_t written = 0;
    for (int round = 0; round < 1'500; ++round) {
        auto action = choice() % 12;
        if (action == 0) {
            ASSERT_TRUE(database_->start_compaction().ok());
            store_->wait_idle();
            while (database_->info()->compact_running)
                std::this_thread::yield();
        } else if (action < 3) {
            std::map<std::string, std::vector<doc::RevId>> asked;
            auto id = some_id();
            if (auto head = database_->head(id).value()) {
                auto leaves = database_->tree(*head)->leaves();
                asked[id].push_back(leaves[choice() % leaves.size()].rev);
            }
            ASSERT_TRUE(database_->purge(asked).ok());
        } else {
            std::vector<Edit> edits;
            for (auto count = 1 + choice() % 4; count > 0; --count)
                edits.push_back(some_edit(some_id()));
            auto ids = edits;
            auto answers = write(std::move(edits));
            for (std::size_t i = 0; i < answers.size(); ++i)
                if (answers[i].ok()) {
                    revisions[ids[i].id].push_back(answers[i]->rev);
                    ++written;
                }
        }
        auto expected = recount();
        Counts whole{};
        for (const auto &[partition, counts] : expected)
            for (std::size_t i = 0; i < counts.size(); ++i)
                whole[i] += counts[i];
        for (const auto &partition : partitions)
            ASSERT_EQ(counted(partition), expected[partition]) << partition << " in round " << round;
        auto info = database_->info().value();
        ASSERT_EQ((Counts{info.document_count, info.deleted_count, info.active_bytes, info.external_bytes}),
                  whole)
            << "in round " << round;
    }
    EXPECT_GT(written, 1'000u);
}

TEST_F(PartitionsTest, OnlyPartitionedDatabasesHaveThem) {
    EXPECT_EQ(counted("none"), (Counts{}));
    EXPECT_EQ(database_->partition_info("_x").error().code(), ErrorCode::illegal_partition);
    auto other = store_->create("other", {}).value();
    EXPECT_EQ(other->partition_info("a").error().reason(), "database is not partitioned");
    EXPECT_TRUE(other->check_id("a").ok());
    EXPECT_FALSE(other->head("a").value());
    for (const char *name : {"_users", "_replicator", "a/_users", "_global_changes"})
        EXPECT_EQ(store_->create(name, {.partitioned = true}).error().reason(),
                  "Cannot partition a system database")
            << name;
}

TEST_F(PartitionsTest, IdsWithoutAPartitionAreRefusedWhereverTheyComeIn) {
    Result<std::optional<Head>> head = std::optional<Head>();
    EXPECT_TRUE(database_->head_cached("a", head));
    EXPECT_EQ(reason(database_->check_id("a")), kNoPartition);
    EXPECT_EQ(reason(database_->check_id("")), "Document id must not be empty");
    EXPECT_TRUE(database_->check_id("_design/a").ok());
    auto rev = doc::RevId::parse("1-a").value();
    for (const auto &error :
         {head.error(), database_->head("a").error(), database_->revs_diff({{"a", {rev}}}).error(),
          database_->purge({{"a", {rev}}}).error()}) {
        EXPECT_EQ(error.code(), ErrorCode::illegal_docid);
        EXPECT_EQ(error.reason(), kNoPartition);
    }
    EXPECT_FALSE(database_->heads(std::vector<std::string>{"a"})->front());
}

TEST_F(PartitionsTest, AFullPartitionTakesWhatMakesRoom) {
    auto first = put("p:a", 1'000)->rev;
    auto small = put("p:b", 10)->rev;
    limit_partitions(1'000);
    auto refused = put("p:new", 0);
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().code(), ErrorCode::partition_overflow);
    EXPECT_EQ(refused.error().reason(), "Partition limit exceeded due to update on 'p:new'");
    EXPECT_EQ(put("p:b", 11, small).error().code(), ErrorCode::partition_overflow);
    EXPECT_FALSE(database_->head("p:new").value());

    // The same size, other partitions, documents without one, what comes from elsewhere.
    auto same = put("p:b", 10, small);
    EXPECT_TRUE(same.ok());
    EXPECT_TRUE(put("q:a", 2'000).ok());
    EXPECT_TRUE(put("_design/x", 2'000).ok());
    auto replicated = edit("p:c", 2'000);
    replicated.path = doc::RevPath{1, {doc::RevHash::from_text("aa")}};
    EXPECT_TRUE(write({replicated}).front().ok());
    // One of several: an edit fails alone.
    auto answers = write({edit("p:new", 0), edit("r:new", 0)});
    EXPECT_FALSE(answers[0].ok());
    EXPECT_TRUE(answers[1].ok());

    auto deletion = edit("p:a", 3'000, first); // a tombstone with a reason
    deletion.deleted = true;
    auto deleted = write({deletion}).front();
    ASSERT_TRUE(deleted.ok());
    EXPECT_FALSE(put("p:new", 0).ok());
    EXPECT_TRUE(put("p:a", 100).ok()); // smaller than its tombstone
    ASSERT_TRUE(database_->purge({{"p:c", {doc::RevId::parse("1-aa").value()}}}).ok());
    EXPECT_TRUE(put("p:new", 0).ok());
    limit_partitions(1);
    EXPECT_FALSE(put("p:more", 0).ok());
    limit_partitions(0);
    EXPECT_TRUE(put("p:more", 0).ok());
}

TEST_F(PartitionsTest, AnEditOfAnotherLeafIsHeldAgainstThatLeaf) {
    auto write_leaf = [&](const char *hash, std::size_t bytes) {
        auto one = edit("p:a", bytes);
        one.path = doc::RevPath{2, {doc::RevHash::from_text(hash), doc::RevHash::from_text("aa")}};
        ASSERT_TRUE(write({one}).front().ok());
    };
    write_leaf("bb", 500); // the loser
    write_leaf("cc", 10);
    limit_partitions(1);
    auto loser = doc::RevId::parse("2-bb").value();
    EXPECT_FALSE(put("p:a", 501, loser).ok());
    EXPECT_FALSE(put("p:a", 11, doc::RevId::parse("2-cc").value()).ok());
    EXPECT_TRUE(put("p:a", 500, loser).ok());
}

TEST_F(PartitionsTest, TheLimitCostsOneKeyForEachPartition) {
    auto other = store_->create("other", {}).value();
    auto cost = [&](Database &database, std::vector<std::string> ids) {
        std::vector<Edit> edits;
        for (auto &id : ids)
            edits.push_back(edit(id, 1));
        std::promise<void> done;
        auto before = counting_->calls();
        database.write(std::move(edits), WriteContext::system(), [&](auto answers) {
            for (const auto &answer : answers)
                EXPECT_TRUE(answer.ok());
            done.set_value();
        });
        done.get_future().get();
        return counting_->calls() - before;
    };
    cost(*database_, {"p:0", "q:0"}); // the first commit also writes the run's row
    cost(*other, {"p:0"});
    auto plain = cost(*other, {"p:1", "p:2", "q:1"});
    EXPECT_EQ(plain.reads, 1u);
    EXPECT_EQ(plain.read_keys, 3u);
    auto limited = cost(*database_, {"p:1", "p:2", "q:1"});
    EXPECT_EQ(limited.reads, 1u);
    EXPECT_EQ(limited.read_keys, 3u + 2u);
    EXPECT_EQ(limited.batch_entries, plain.batch_entries + 2); // the counters of the partitions
    limit_partitions(0);
    EXPECT_EQ(cost(*database_, {"p:3", "q:3"}).read_keys, 2u);
}

} // namespace
} // namespace divan::db
