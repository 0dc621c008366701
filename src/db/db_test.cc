#include "crypto/digest.h"
#include "db/keys.h"
#include "db/store.h"
#include "kv/memory/memory_engine.h"

#include <future>
#include <gtest/gtest.h>
#include <random>
#include <thread>

namespace divan::db {
namespace {

class DbTest : public testing::Test {
  protected:
    void SetUp() override {
        engine_ = kv::make_memory_engine();
        reopen();
        database_ = store_->create("db", {}).value();
    }

    // Another life of the process on the same rows.
    void reopen() {
        database_.reset();
        store_.reset();
        store_ = open_store({*engine_, pool_, clock_, random_}, options_).value();
        auto opened = store_->open("db");
        if (opened.ok())
            database_ = opened.value();
    }

    std::vector<Result<Written>> write(std::vector<Edit> edits) {
        std::promise<std::vector<Result<Written>>> promise;
        database_->write(std::move(edits), WriteContext::system(),
                         [&](auto answers) { promise.set_value(std::move(answers)); });
        return promise.get_future().get();
    }

    Result<Written> put(const std::string &id, const std::string &json, std::optional<doc::RevId> parent = {},
                        bool deleted = false) {
        Edit edit;
        edit.id = id;
        edit.json = json;
        edit.parent = std::move(parent);
        edit.deleted = deleted;
        return write({std::move(edit)}).front();
    }

    Result<Written> replicate(const std::string &id, std::uint64_t start, std::vector<std::string> hashes,
                              const std::string &json = "{}", bool deleted = false) {
        Edit edit;
        edit.id = id;
        edit.json = json;
        edit.deleted = deleted;
        edit.path.emplace();
        edit.path->start = start;
        for (const auto &hash : hashes)
            edit.path->hashes.push_back(doc::RevHash::from_text(hash));
        return write({std::move(edit)}).front();
    }

    std::string body_of(const std::string &id, const std::string &rev) {
        auto head = database_->head(id).value();
        auto parsed = doc::RevId::parse(rev).value();
        auto info = database_->tree(*head)->find(parsed);
        if (!info)
            return "unknown";
        auto body = database_->body(*head, parsed, *info).value();
        return body ? body->json : "missing";
    }

    std::string feed(std::uint64_t since = 0) {
        std::string text;
        auto page = database_->changes({.since = kv::Sequence(since)}).value();
        for (const auto &change : page.changes)
            text += std::to_string(change.sequence.value) + ":" + change.id + (change.deleted ? "-" : "") +
                    "/" + std::to_string(change.leaves.size()) + " ";
        return text;
    }

    std::unique_ptr<kv::Engine> engine_;
    ThreadPool pool_{3};
    ManualClock clock_;
    SeededRandom random_{1};
    StoreOptions options_;
    std::unique_ptr<Store> store_;
    std::shared_ptr<Database> database_;
};

TEST_F(DbTest, EditsFormAChain) {
    auto first = put("a", R"({"v":1})");
    ASSERT_TRUE(first.ok());
    EXPECT_EQ(put("a", "{}").error().code(), ErrorCode::conflict);
    auto second = put("a", R"({"v":2})", first->rev);
    ASSERT_TRUE(second.ok());
    EXPECT_EQ(second->rev.generation, 2u);
    EXPECT_EQ(put("a", "{}", first->rev).error().code(), ErrorCode::conflict) << "not a leaf any more";
    EXPECT_EQ(body_of("a", first->rev.text()), R"({"v":1})") << "replaced bodies stay until compaction";
    EXPECT_EQ(body_of("a", second->rev.text()), R"({"v":2})");
    EXPECT_EQ(feed(), "2:a/1 ");
    auto removed = put("a", "{}", second->rev, true);
    ASSERT_TRUE(removed.ok());
    EXPECT_EQ(database_->counts()->documents, 0u);
    EXPECT_EQ(database_->counts()->deleted, 1u);
    auto again = put("a", R"({"v":4})");
    ASSERT_TRUE(again.ok());
    EXPECT_EQ(again->rev.generation, 4u) << "extends the tombstone";
    EXPECT_EQ(feed(), "4:a/1 ");
}

TEST_F(DbTest, SameEditIsSameRevision) {
    auto first = put("a", R"({"v":1})");
    auto other = put("b", R"({"v":1})");
    auto different = put("c", R"({"v":2})");
    EXPECT_EQ(first->rev, other->rev);
    EXPECT_NE(first->rev, different->rev);
}

TEST_F(DbTest, ReplicatedRevisionsMakeConflictsAndAreIdempotent) {
    ASSERT_TRUE(replicate("a", 2, {"bb", "aa"}, R"({"v":"b"})")->changed);
    ASSERT_TRUE(replicate("a", 2, {"cc", "aa"}, R"({"v":"c"})")->changed);
    EXPECT_FALSE(replicate("a", 2, {"bb", "aa"}, R"({"v":"other"})")->changed);
    auto head = database_->head("a").value();
    EXPECT_EQ(head->rev.text(), "2-cc");
    EXPECT_EQ(head->leaf_count, 2u);
    EXPECT_EQ(body_of("a", "2-bb"), R"({"v":"b"})");
    EXPECT_EQ(body_of("a", "1-aa"), "missing");
    EXPECT_EQ(feed(), "2:a/2 ");
    ASSERT_TRUE(replicate("a", 3, {"dd", "cc", "aa"}, "{}", true)->changed);
    head = database_->head("a").value();
    EXPECT_EQ(head->rev.text(), "2-bb") << "the live branch wins";
    EXPECT_EQ(database_->body(*head, head->rev, database_->tree(*head)->winner().info).value()->json,
              R"({"v":"b"})");
    auto edited = put("a", "{}", doc::RevId::parse("2-bb").value());
    ASSERT_TRUE(edited.ok());
    EXPECT_EQ(feed(), "4:a/2 ");
}

TEST_F(DbTest, AnAncestorsBodyThatComesLaterIsKeptUntilCompaction) {
    ASSERT_TRUE(replicate("a", 3, {"cc", "bb", "aa"}, R"({"v":3})")->changed);
    EXPECT_EQ(body_of("a", "2-bb"), "missing");
    EXPECT_TRUE(replicate("a", 2, {"bb", "aa"}, R"({"v":2})")->changed);
    EXPECT_FALSE(replicate("a", 2, {"bb", "aa"}, R"({"v":9})")->changed) << "the first body stays";
    EXPECT_EQ(body_of("a", "2-bb"), R"({"v":2})");
    EXPECT_EQ(body_of("a", "3-cc"), R"({"v":3})");
    EXPECT_EQ(feed(), "2:a/1 ");
    reopen();
    EXPECT_EQ(body_of("a", "2-bb"), R"({"v":2})");
    EXPECT_EQ(database_->tree(*database_->head("a").value())->leaves().size(), 1u);
    ASSERT_TRUE(database_->start_compaction().ok());
    while (body_of("a", "2-bb") != "missing")
        std::this_thread::yield();
    EXPECT_EQ(body_of("a", "3-cc"), R"({"v":3})");
    EXPECT_FALSE(replicate("a", 2, {"bb", "aa"}, R"({"v":2})")->changed) << "it does not come back";
}

TEST_F(DbTest, AStubWithoutItsAttachmentLeavesNothingOfTheWrite) {
    auto first = put("a", R"({"v":1})");
    std::vector<Edit> edits(3);
    edits[0].id = "a";
    edits[0].json = R"({"v":2})";
    edits[0].parent = first->rev;
    edits[1].id = "b";
    edits[2].id = "c";
    edits[2].attachments.push_back({"x", "text/plain", std::nullopt, std::nullopt});
    for (const auto &answer : write(std::move(edits)))
        EXPECT_EQ(answer.error().code(), ErrorCode::missing_stub);
    EXPECT_EQ(database_->head("a").value()->rev, first->rev);
    EXPECT_FALSE(database_->head("b").value());
    EXPECT_EQ(feed(), "1:a/1 ");
    EXPECT_EQ(put("a", R"({"v":3})", first->rev)->rev.generation, 2u);
    EXPECT_EQ(database_->counts()->documents, 1u);
}

TEST_F(DbTest, RevsDiffNamesWhatIsMissing) {
    ASSERT_TRUE(replicate("a", 3, {"cc", "bb", "aa"})->changed);
    auto rev = [](const char *text) { return doc::RevId::parse(text).value(); };
    auto diff =
        database_->revs_diff({{"a", {rev("3-cc"), rev("2-bb"), rev("4-dd")}}, {"x", {rev("1-x")}}}).value();
    EXPECT_EQ(diff.at("a").missing, (std::vector<doc::RevId>{rev("4-dd")}));
    EXPECT_EQ(diff.at("a").possible_ancestors, (std::vector<doc::RevId>{rev("3-cc")}));
    EXPECT_TRUE(diff.at("x").possible_ancestors.empty());
    EXPECT_TRUE(database_->revs_diff({{"a", {rev("3-cc")}}})->empty());
}

TEST_F(DbTest, LongHistoriesSpillIntoATreeRow) {
    auto rev = put("a", "{}")->rev;
    std::vector<doc::RevId> all{rev};
    for (int i = 0; i < 300; ++i) {
        rev = put("a", "{\"v\":" + std::to_string(i) + "}", rev)->rev;
        all.push_back(rev);
    }
    reopen();
    auto head = database_->head("a").value();
    EXPECT_TRUE(head->has_tree);
    EXPECT_LE(head->recent.size(), 64u);
    auto tree = database_->tree(*head).value();
    EXPECT_EQ(tree.node_count(), 301u);
    EXPECT_EQ(tree.path(rev)->hashes.size(), 301u);
    EXPECT_EQ(body_of("a", all[100].text()), "{\"v\":99}");
    EXPECT_EQ(put("a", "{}", all[200]).error().code(), ErrorCode::conflict);
    // A branch from deep below the head's newest revisions.
    ASSERT_TRUE(replicate("a", 102, {"ff", all[100].hash.text()})->changed);
    EXPECT_EQ(database_->head("a").value()->leaf_count, 2u);
    EXPECT_EQ(put("a", "{}", rev)->rev.generation, 302u);
    EXPECT_EQ(database_->tree(*database_->head("a").value())->node_count(), 303u);
    ASSERT_TRUE(database_->set_revs_limit(10).ok());
    EXPECT_EQ(database_->tree(*database_->head("a").value())->node_count(), 20u);
}

// Long histories move through heads, parts and bases: the tree that is read is always the whole one.
TEST_F(DbTest, LongHistoriesStayWhole) {
    constexpr std::uint64_t kLimit = 120;
    std::mt19937 random(5);
    ASSERT_TRUE(database_->set_revs_limit(kLimit).ok());
    doc::RevTree model;
    std::uint64_t sequence = 0;
    auto check = [&] {
        auto tree = database_->tree(*database_->head("a").value()).value();
        model.stem(kLimit);
        ASSERT_EQ(tree.leaves().size(), model.leaves().size());
        for (const auto &leaf : model.leaves()) {
            ASSERT_TRUE(tree.is_leaf(leaf.rev)) << leaf.rev.text();
            // Revisions beyond the limit go later than here, so a new branch may have more of them.
            auto hashes = tree.path(leaf.rev)->hashes;
            auto expected = model.path(leaf.rev)->hashes;
            ASSERT_GE(hashes.size(), expected.size());
            ASSERT_TRUE(std::equal(expected.begin(), expected.end(), hashes.begin())) << leaf.rev.text();
            ASSERT_EQ(tree.find(leaf.rev), model.find(leaf.rev));
        }
    };
    for (int i = 0; i < 1'500; ++i) {
        auto leaves = model.leaves();
        // Mostly the winner grows; at times another leaf does, a branch begins, or a leaf is deleted.
        auto choice = random() % 100;
        std::vector<doc::Leaf> history;
        if (!leaves.empty()) {
            auto leaf = choice < 90 || i % 500 < 250 ? leaves.front() : leaves[random() % leaves.size()];
            history = *model.history(leaf.rev);
            auto skipped =
                choice == 99 && i % 500 > 250 ? random() % std::min<std::size_t>(history.size(), 60) : 0;
            history.erase(history.begin(), history.begin() + static_cast<std::ptrdiff_t>(skipped));
        }
        std::vector<std::string> hashes{"c" + std::to_string(100'000 + i)};
        for (std::size_t known = 0; known < std::min<std::size_t>(history.size(), 3); ++known)
            hashes.push_back(history[known].rev.hash.text());
        auto start = history.empty() ? 1 : history.front().rev.generation + 1;
        bool deleted = choice == 98 && leaves.size() > 1;
        ASSERT_TRUE(replicate("a", start, hashes, "{}", deleted)->changed);
        doc::RevPath path;
        path.start = start;
        for (const auto &hash : hashes)
            path.hashes.push_back(doc::RevHash::from_text(hash));
        model.merge(path, {deleted, ++sequence});
        if (i % 7 == 0) {
            check();
            if (HasFatalFailure())
                FAIL() << "after edit " << i;
        }
        if (i % 400 == 399)
            reopen();
    }
    std::vector<doc::RevId> revs;
    for (const auto &leaf : model.leaves())
        revs.push_back(leaf.rev);
    EXPECT_GT(revs.size(), 2u);
    ASSERT_TRUE(database_->purge({{"a", revs}}).ok());
    auto rows = engine_->scan({.shard = kv::ShardId(1), .begin = "", .end = ""}).value();
    for (std::size_t row = 0; row < rows.size(); ++row)
        EXPECT_TRUE(rows.key(row)[0] != 't' && rows.key(row)[0] != 'r') << "a tree row is left";
}

TEST_F(DbTest, ReplicatedRevisionsThatTellTheirWholeHistoryKeepIt) {
    constexpr std::size_t kGenerations = 100;
    std::vector<std::string> hashes; // newest first
    for (std::size_t generation = 1; generation <= kGenerations; ++generation) {
        hashes.insert(hashes.begin(), "h" + std::to_string(generation));
        ASSERT_TRUE(replicate("d", generation, hashes, R"({"n":)" + std::to_string(generation) + "}").ok());
        auto tree = database_->tree(*database_->head("d").value());
        ASSERT_TRUE(tree.ok()) << generation;
        EXPECT_EQ(tree->node_count(), generation);
    }
    for (std::size_t generation = 1; generation <= kGenerations; ++generation) {
        auto text = std::to_string(generation);
        EXPECT_EQ(body_of("d", text + "-h" + text), R"({"n":)" + text + "}");
    }
}

TEST_F(DbTest, PendingIsExactAndCheap) {
    std::mt19937 random(3);
    std::map<std::string, doc::RevId> revs;
    for (int round = 0; round < 40; ++round) {
        std::vector<Edit> edits;
        std::vector<std::string> ids;
        for (int i = 0; i < 100; ++i) {
            auto id = "d" + std::to_string(random() % 1'000);
            if (std::find(ids.begin(), ids.end(), id) != ids.end())
                continue;
            ids.push_back(id);
            Edit edit;
            edit.id = id;
            if (revs.contains(id))
                edit.parent = revs[id];
            edits.push_back(std::move(edit));
        }
        auto answers = write(std::move(edits));
        for (std::size_t i = 0; i < ids.size(); ++i)
            revs[ids[i]] = answers[i].value().rev;
    }
    auto last = database_->last_sequence()->value;
    for (std::uint64_t since : {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{127}, std::uint64_t{128},
                                last / 2, last - 1, last}) {
        std::uint64_t expected = 0;
        kv::Sequence at(since);
        for (bool more = true; more;) {
            auto page = database_->changes({.since = at}).value();
            expected += page.changes.size();
            at = page.last;
            more = page.more;
        }
        EXPECT_EQ(database_->pending(kv::Sequence(since)).value(), expected) << since;
    }
    EXPECT_EQ(database_->pending(kv::Sequence(0)).value(), revs.size());
}

TEST_F(DbTest, CompactionRemovesReplacedBodiesAndTheirAttachments) {
    auto upload = database_->upload().value();
    ASSERT_TRUE(upload->write(std::string(600'000, 'x')).ok());
    auto data = upload->finish(Encoding::identity, 600'000).value();
    EXPECT_EQ(data.md5, crypto::md5(std::string(600'000, 'x')));
    Edit edit;
    edit.id = "a";
    edit.attachments.push_back({"kept", "text/plain", data, {}});
    auto second_upload = database_->upload().value();
    ASSERT_TRUE(second_upload->write("gone").ok());
    auto second = second_upload->finish(Encoding::identity, 4).value();
    edit.attachments.push_back({"dropped", "text/plain", second, {}});
    auto first = write({edit}).front();
    ASSERT_TRUE(first.ok());
    upload.reset();
    second_upload.reset();
    Edit stub;
    stub.id = "a";
    stub.parent = first->rev;
    stub.attachments.push_back({"kept", "", {}, {}});
    auto rev = write({stub}).front();
    ASSERT_TRUE(rev.ok());
    auto head = database_->head("a").value();
    EXPECT_EQ(head->body->attachments.front().revpos, 1u);
    stub.parent = rev->rev;
    stub.attachments.front().name = "unknown";
    EXPECT_EQ(write({stub}).front().error().code(), ErrorCode::missing_stub);
    EXPECT_EQ(database_->open_attachment(second)->read_some().value(), "gone");

    ASSERT_TRUE(database_->start_compaction().ok());
    while (body_of("a", first->rev.text()) != "missing")
        std::this_thread::yield();
    EXPECT_FALSE(database_->open_attachment(second)->read_some().ok());
    auto reader = database_->open_attachment(data, 300'000);
    std::size_t read = 0;
    for (auto bytes = reader->read_some().value(); !bytes.empty(); bytes = reader->read_some().value())
        read += bytes.size();
    EXPECT_EQ(read, 300'000u);
}

TEST_F(DbTest, UploadsWithoutAnEditAreSweptLater) {
    StoredData data;
    {
        auto upload = database_->upload().value();
        ASSERT_TRUE(upload->write("orphan").ok());
        data = upload->finish(Encoding::identity, 6).value();
    }
    EXPECT_TRUE(database_->open_attachment(data)->read_some().ok());
    reopen();
    EXPECT_FALSE(database_->open_attachment(data)->read_some().ok());
}

TEST_F(DbTest, PurgeForgets) {
    auto rev = put("a", "{}")->rev;
    ASSERT_TRUE(replicate("b", 2, {"bb", "aa"})->changed);
    ASSERT_TRUE(replicate("b", 2, {"cc", "aa"})->changed);
    auto bb = doc::RevId::parse("2-bb").value();
    auto purged = database_->purge({{"a", {rev}}, {"b", {bb}}, {"x", {bb}}}).value();
    EXPECT_EQ(purged["a"], (std::vector<doc::RevId>{rev}));
    EXPECT_EQ(purged["b"], (std::vector<doc::RevId>{bb}));
    EXPECT_TRUE(purged["x"].empty());
    EXPECT_FALSE(database_->head("a").value());
    EXPECT_EQ(database_->counts()->documents, 1u);
    EXPECT_EQ(feed(), "5:b/1 ");
    EXPECT_EQ(database_->purge_infos()->size(), 2u);
    EXPECT_EQ(put("a", "{}")->rev.generation, 1u);
}

TEST_F(DbTest, LocalDocumentsAreApart) {
    EXPECT_EQ(database_->write_local("_local/x", R"({"v":1})", {}, false).value(), "0-1");
    EXPECT_EQ(database_->write_local("_local/x", R"({"v":2})", "0-1", false).value(), "0-2");
    EXPECT_EQ(database_->local("_local/x").value()->json, R"({"v":2})");
    std::string large = "\"" + std::string(700'000, 'x') + "\"";
    ASSERT_TRUE(database_->write_local("_local/large", large, {}, false).ok());
    EXPECT_EQ(database_->local("_local/large").value()->json, large);
    EXPECT_EQ(database_->scan_local("", {}, false, 10)->documents.size(), 2u);
    EXPECT_TRUE(database_->erase_local("_local/x").value());
    EXPECT_FALSE(database_->erase_local("_local/x").value());
    EXPECT_EQ(feed(), "");
}

TEST_F(DbTest, DeletedDatabaseIsGoneAndItsSpaceReturns) {
    ASSERT_TRUE(put("a", "{}").ok());
    auto uuid = database_->uuid();
    auto event = std::make_shared<Event>();
    database_->listen(event);
    bool told = false;
    event->on_notify([&] { told = true; });
    ASSERT_TRUE(store_->erase("db").ok());
    EXPECT_TRUE(told);
    EXPECT_EQ(put("b", "{}").error().reason(), "Database does not exist.");
    EXPECT_EQ(store_->erase("db").error().code(), ErrorCode::not_found);
    store_->housekeep();
    EXPECT_TRUE(engine_->scan({.shard = kv::ShardId(1), .begin = "", .end = ""})->empty());
    database_ = store_->create("db", {}).value();
    EXPECT_NE(database_->uuid(), uuid);
    EXPECT_FALSE(database_->head("a").value());
    EXPECT_EQ(store_->create("db", {}).error().code(), ErrorCode::file_exists);
}

TEST_F(DbTest, RestoredCopyRewindsReaders) {
    for (int i = 0; i < 5; ++i)
        ASSERT_TRUE(put("a" + std::to_string(i), "{}").ok());
    auto shared = database_->sequence_token(database_->last_sequence().value());
    RunHistory history{{1, 1}};
    RunHistory cut_off{{1, 1}, {2, 101}};
    RunHistory restored{{1, 1}, {3, 101}};
    auto token = encode_sequence(kv::Sequence(110), cut_off);
    EXPECT_EQ(decode_since(token, kv::Sequence(120), restored)->value, 100u) << "back to the common point";
    EXPECT_EQ(decode_since(token, kv::Sequence(120), cut_off)->value, 110u);
    auto same_run = encode_sequence(kv::Sequence(105), history);
    EXPECT_EQ(decode_since(same_run, kv::Sequence(120), restored)->value, 100u);
    EXPECT_EQ(decode_since("42", kv::Sequence(120), restored)->value, 42u);
    EXPECT_EQ(decode_since("12-g1AAAACbeJzLYWBg", kv::Sequence(120), restored)->value, 0u)
        << "of another server";
    for (const char *bad : {"", "x", "1-", "-1", "5-x"})
        EXPECT_FALSE(decode_since(bad, kv::Sequence(9), restored).ok()) << bad;
    reopen();
    EXPECT_EQ(database_->since(shared, kv::Sequence(5))->value, 5u);
}

TEST_F(DbTest, ManyWritersEachRevisionOnce) {
    constexpr int kThreads = 8;
    std::vector<std::thread> threads;
    std::atomic<int> accepted = 0;
    for (int t = 0; t < kThreads; ++t)
        threads.emplace_back([&, t] {
            for (int i = 0; i < 60; ++i) {
                auto id = "d" + std::to_string(i % 5);
                auto head = database_->head(id).value();
                auto answer = put(id, "{\"t\":" + std::to_string(t * 1000 + i) + "}",
                                  head ? std::optional(head->rev) : std::nullopt);
                accepted += answer.ok() ? 1 : 0;
                if (!answer.ok())
                    EXPECT_EQ(answer.error().code(), ErrorCode::conflict);
            }
        });
    for (auto &thread : threads)
        thread.join();
    int generations = 0;
    for (int i = 0; i < 5; ++i)
        generations += static_cast<int>(database_->head("d" + std::to_string(i)).value()->rev.generation);
    EXPECT_EQ(generations, accepted);
    EXPECT_EQ(database_->changes({}).value().changes.size(), 5u);
}

TEST_F(DbTest, LargeWritesAreCommittedInSeveralGroupsAndAnsweredOnce) {
    options_.commit_group_edits_max = 10;
    options_.commit_queue_edits_max = 20; // an empty queue takes a larger write all the same
    reopen();
    std::vector<Edit> edits;
    for (int i = 0; i < 35; ++i) {
        Edit edit;
        edit.id = "d" + std::to_string(i == 34 ? 0 : i);
        edits.push_back(std::move(edit));
    }
    auto answers = write(std::move(edits));
    ASSERT_EQ(answers.size(), 35u);
    for (int i = 0; i < 34; ++i)
        EXPECT_TRUE(answers[static_cast<std::size_t>(i)].ok()) << i;
    EXPECT_EQ(answers[34].error().code(), ErrorCode::conflict);
    EXPECT_EQ(database_->counts()->documents, 34u);
    EXPECT_TRUE(write({}).empty());
}

TEST_F(DbTest, SettingsFromEveryPoolThreadDoNotStall) {
    std::vector<std::future<void>> done;
    for (int i = 0; i < 20; ++i) {
        auto promise = std::make_shared<std::promise<void>>();
        done.push_back(promise->get_future());
        pool_.post([this, promise, i] {
            EXPECT_TRUE(database_->set_revs_limit(static_cast<std::uint64_t>(i + 1)).ok());
            promise->set_value();
        });
    }
    for (auto &future : done)
        future.get();
}

// The first makes the other branch the winner, so that each extends a winner.
TEST_F(DbTest, TombstonesOfTwoBranchesInOneCommitAreBothKept) {
    ASSERT_TRUE(replicate("a", 2, {"bb", "aa"})->changed);
    ASSERT_TRUE(replicate("a", 1, {"cc"})->changed);
    std::vector<Edit> edits;
    for (const char *parent : {"2-bb", "1-cc"}) {
        Edit edit;
        edit.id = "a";
        edit.parent = doc::RevId::parse(parent).value();
        edit.deleted = true;
        edits.push_back(std::move(edit));
    }
    auto written = write(std::move(edits));
    auto tree = database_->tree(*database_->head("a").value()).value();
    for (const auto &one : written) {
        ASSERT_TRUE(one.ok());
        EXPECT_TRUE(tree.is_leaf(one->rev)) << one->rev.text();
    }
    EXPECT_EQ(tree.leaves().size(), 2U);
}

TEST_F(DbTest, TombstonesExpire) {
    auto rev = put("a", "{}")->rev;
    ASSERT_TRUE(put("a", "{}", rev, true).ok());
    ASSERT_TRUE(put("b", "{}").ok());
    ASSERT_TRUE(database_->set_auto_purge(R"({"deleted_document_ttl":"2_days"})").ok());
    clock_.advance(std::chrono::hours(24));
    ASSERT_TRUE(put("c", "{}").ok());
    store_->housekeep();
    EXPECT_EQ(database_->counts()->deleted, 1u);
    clock_.advance(std::chrono::hours(25));
    ASSERT_TRUE(put("d", "{}").ok());
    store_->housekeep();
    EXPECT_EQ(database_->counts()->deleted, 0u);
    EXPECT_EQ(database_->counts()->documents, 3u);
}

// They aborted the server once: a key of the engine has a limit.
TEST_F(DbTest, OverlongIdsNameNothing) {
    ASSERT_TRUE(put("a", "{}").ok());
    const std::string longest(keys::kNameBytesMax, 'b');
    ASSERT_TRUE(put(longest, "{}").ok());
    for (std::size_t size : {keys::kNameBytesMax + 1, keys::kNameBytesMax + 100, std::size_t{100'000}}) {
        const std::string id(size, 'b');
        EXPECT_FALSE(check_document_id(id).ok());
        EXPECT_FALSE(database_->head(id).value());
        EXPECT_FALSE(database_->heads(std::vector<std::string>{id}).value()[0]);
        EXPECT_FALSE(database_->local("_local/" + id).value());
        EXPECT_EQ(database_->write_local("_local/" + id, "{}", {}, false).error().code(),
                  ErrorCode::illegal_docid);
        EXPECT_EQ(store_->open(id).error().code(), ErrorCode::not_found);
        HeadRange behind;
        behind.begin = id;
        EXPECT_TRUE(database_->scan_heads(behind).value().heads.empty());
        HeadRange before;
        before.end = id;
        EXPECT_EQ(database_->scan_heads(before).value().heads.size(), 2u);
    }
}

// Regression: another life of the process moved the mark of the hour to its own first sequence.
TEST_F(DbTest, ReopeningDoesNotMakeTombstonesExpireEarly) {
    clock_.advance(std::chrono::hours(1) - clock_.now() % std::chrono::hours(1)); // a full hour
    ASSERT_TRUE(put("first", "{}").ok());
    clock_.advance(std::chrono::minutes(58));
    auto rev = put("a", "{}")->rev;
    ASSERT_TRUE(put("a", "{}", rev, true).ok());
    reopen();
    ASSERT_TRUE(put("b", "{}").ok());
    ASSERT_TRUE(database_->set_auto_purge(R"({"deleted_document_ttl":"1_hours"})").ok());
    clock_.advance(std::chrono::minutes(3)); // the tombstone is three minutes old, in the next hour
    store_->housekeep();
    EXPECT_EQ(database_->counts()->deleted, 1u);
    clock_.advance(std::chrono::hours(2));
    store_->housekeep();
    EXPECT_EQ(database_->counts()->deleted, 0u);
}

TEST(Names, AsCouchDb) {
    for (const char *name : {"a", "db_1$()+-/x", "_users", "_replicator", "x/_users"})
        EXPECT_TRUE(check_database_name(name).ok()) << name;
    for (const char *name : {"", "A", "1a", "_x", "a b", "a.b", "_users/x"})
        EXPECT_FALSE(check_database_name(name).ok()) << name;
    for (const char *id : {"a", "_design/x", "_local/x", "\xc3\xa9"})
        EXPECT_TRUE(check_document_id(id).ok()) << id;
    for (const char *id : {"", "_x", "_design/", "\xff"})
        EXPECT_FALSE(check_document_id(id).ok()) << id;
}

} // namespace
} // namespace divan::db
