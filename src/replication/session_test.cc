#include "replication/session.h"

#include "kv/memory/memory_engine.h"
#include "replication/testing_store.h"
#include "json/writer.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace divan::replication {
namespace {

class SessionTest : public testing::Test {
  protected:
    SessionResult replicate_well(const Replication &replication) {
        auto end = testing_.run(replication);
        if (auto *failure = std::get_if<Failure>(&end)) {
            ADD_FAILURE() << failure->error.reason();
            return {};
        }
        return std::get<SessionResult>(std::move(end));
    }
    void put(db::Database &database, const std::string &json) {
        auto written = testing_.put(database, json);
        ASSERT_TRUE(written.ok()) << json << written.error().reason();
    }
    // "id rev rev*;": all leaves, deleted ones with a star.
    static std::string leaves(db::Database &database) {
        std::string text;
        auto page = database.changes({}).value();
        std::sort(page.changes.begin(), page.changes.end(), [](auto &a, auto &b) { return a.id < b.id; });
        for (const auto &change : page.changes) {
            text.append(change.id);
            for (const auto &leaf : change.leaves)
                text.append(" ").append(leaf.rev.text()).append(leaf.info.deleted ? "*" : "");
            text.append(";");
        }
        return text;
    }
    std::uint64_t newest(const SessionResult &result, const char *member) {
        const auto &entry = result.checkpoint.find("history")->array().front().object();
        return static_cast<std::uint64_t>(*entry.find(member)->as_int64());
    }

    TestingStore testing_{kv::make_memory_engine()};
    std::shared_ptr<db::Database> a_ = testing_.create("a");
    std::shared_ptr<db::Database> b_ = testing_.create("b");
};

TEST_F(SessionTest, EveryLeafArrivesWithItsHistory) {
    put(*a_, R"({"_id":"plain","v":1})");
    put(*a_, R"({"_id":"x","_rev":"2-c","_revisions":{"start":2,"ids":["c","a"]},"v":1})");
    put(*a_, R"({"_id":"x","_rev":"2-d","_revisions":{"start":2,"ids":["d","a"]},"v":2})");
    put(*a_, R"({"_id":"x","_rev":"3-e","_revisions":{"start":3,"ids":["e","q","a"]},"_deleted":true})");
    put(*a_,
        R"({"_id":"gone","_rev":"2-c","_revisions":{"start":2,"ids":["c","a"]},"_deleted":true,"why":1})");
    put(*a_,
        R"({"_id":"f","_attachments":{"t":{"data":"YQ==","content_type":"text/plain"},"i":{"data":"","content_type":"i/a"}}})");
    auto result = replicate_well(TestingStore::between("a", "b"));
    EXPECT_EQ(leaves(*b_), leaves(*a_));
    EXPECT_EQ(newest(result, "docs_read"), 6U);
    EXPECT_EQ(newest(result, "docs_written"), 6U);
    EXPECT_EQ(newest(result, "missing_found"), 6U);
    auto head = b_->head("f").value();
    auto tree = b_->tree(*head).value();
    auto body = b_->body(*head, tree.winner().rev, tree.winner().info).value();
    ASSERT_EQ(body->attachments.size(), 2U);
    EXPECT_EQ(body->attachments[0].data.content_bytes + body->attachments[1].data.content_bytes, 1U);
}

TEST_F(SessionTest, WhatEarlierSessionsCountedIsToldApart) {
    put(*a_, R"({"_id":"one"})");
    replicate_well(TestingStore::between("a", "b"));
    EXPECT_EQ(testing_.last_progress.before_session.docs_written, 0U);
    put(*a_, R"({"_id":"two"})");
    replicate_well(TestingStore::between("a", "b"));
    EXPECT_EQ(testing_.last_progress.before_session.docs_written, 1U);
    EXPECT_EQ(testing_.last_progress.statistics.docs_written, 2U);
}

TEST_F(SessionTest, AFailureNamesItsSide) {
    for (auto [source, target, side] :
         {std::tuple{"none", "b", Cause::source}, std::tuple{"a", "none", Cause::target}}) {
        auto end = testing_.run(TestingStore::between(source, target));
        ASSERT_TRUE(std::holds_alternative<Failure>(end));
        EXPECT_EQ(std::get<Failure>(end).side, side);
    }
}

TEST_F(SessionTest, TheNextSessionGoesOnWhereTheLastCameTo) {
    put(*a_, R"({"_id":"one"})");
    replicate_well(TestingStore::between("a", "b"));
    auto again = replicate_well(TestingStore::between("a", "b"));
    EXPECT_NE(again.checkpoint.find("no_changes"), nullptr);
    put(*a_, R"({"_id":"two"})");
    auto third = replicate_well(TestingStore::between("a", "b"));
    EXPECT_EQ(third.checkpoint.find("no_changes"), nullptr);
    // Counting goes on, as in CouchDB.
    EXPECT_EQ(newest(third, "docs_read"), 2U);
    EXPECT_EQ(third.checkpoint.find("history")->array().size(), 2U);
    EXPECT_EQ(testing_.last_progress.statistics.revisions_checked, 2U);
}

TEST_F(SessionTest, AnEmptySourceHasNoChanges) {
    // The first session notes where the feed begins, as in CouchDB.
    EXPECT_EQ(replicate_well(TestingStore::between("a", "b")).checkpoint.find("no_changes"), nullptr);
    EXPECT_NE(replicate_well(TestingStore::between("a", "b")).checkpoint.find("no_changes"), nullptr);
    auto without = TestingStore::between("a", "b");
    without.tuning.use_checkpoints = false;
    EXPECT_EQ(session_result_json(replicate_well(without)), R"({"ok":true,"use_checkpoints":false})");
}

TEST_F(SessionTest, ManyDocumentsGoThroughSmallBatches) {
    for (int i = 0; i < 2'500; ++i)
        put(*a_, fmt::format(R"({{"_id":"d{}","v":{}}})", i, i));
    auto replication = TestingStore::between("a", "b");
    replication.tuning.worker_batch_size = 7;
    auto result = replicate_well(replication);
    EXPECT_EQ(newest(result, "docs_written"), 2'500U);
    EXPECT_EQ(b_->counts()->documents, 2'500U);
}

TEST_F(SessionTest, FiltersChooseAtTheSource) {
    for (int i = 0; i < 1'200; ++i)
        put(*a_, fmt::format(R"({{"_id":"d{}","v":{}}})", i, i));
    auto by_selector = TestingStore::between("a", "b");
    by_selector.filter.kind = Filter::Kind::selector;
    by_selector.filter.selector = R"({"v":{"$gt":1190}})";
    EXPECT_EQ(newest(replicate_well(by_selector), "docs_read"), 9U);
    EXPECT_EQ(b_->counts()->documents, 9U);
    auto by_ids = TestingStore::between("a", "b");
    by_ids.filter.kind = Filter::Kind::doc_ids;
    by_ids.filter.doc_ids = {"d1", "d2", "never"};
    EXPECT_EQ(newest(replicate_well(by_ids), "docs_read"), 2U);
    EXPECT_EQ(b_->counts()->documents, 11U);
}

TEST_F(SessionTest, OnlyWinnersGoIfAskedFor) {
    put(*a_, R"({"_id":"x","_rev":"1-a","_revisions":{"start":1,"ids":["a"]}})");
    put(*a_, R"({"_id":"x","_rev":"1-b","_revisions":{"start":1,"ids":["b"]}})");
    auto replication = TestingStore::between("a", "b");
    replication.winning_revs_only = true;
    replicate_well(replication);
    EXPECT_EQ(leaves(*b_), "x 1-b;");
}

TEST_F(SessionTest, UnchangedAttachmentsAreNotSentAgain) {
    put(*a_,
        R"({"_id":"f","_rev":"1-a","_revisions":{"start":1,"ids":["a"]},"_attachments":{"t":{"data":"YWJj","content_type":"text/x","revpos":1}}})");
    replicate_well(TestingStore::between("a", "b"));
    put(*a_,
        R"({"_id":"f","_rev":"2-b","_revisions":{"start":2,"ids":["b","a"]},"_attachments":{"t":{"stub":true,"revpos":1,"content_type":"text/x"}}})");
    replicate_well(TestingStore::between("a", "b"));
    EXPECT_EQ(leaves(*b_), leaves(*a_));
}

// Its attachments are as old as those of a new document, as in CouchDB; the target has an ancestor, without
// them.
TEST_F(SessionTest, AttachmentsOfADocumentThatWasDeletedArrive) {
    auto first = testing_.put(*a_, R"({"_id":"f","v":1})").value();
    auto gone =
        testing_.put(*a_, R"({"_id":"f","_rev":")" + first.rev.text() + R"(","_deleted":true})").value();
    replicate_well(TestingStore::between("a", "b"));
    put(*a_, R"({"_id":"f","_attachments":{"t":{"data":"YWJj","content_type":"text/x"}}})");
    put(*a_, R"({"_id":"other"})");
    replicate_well(TestingStore::between("a", "b"));
    EXPECT_EQ(leaves(*b_), leaves(*a_));
    EXPECT_EQ(gone.rev.generation, 2U);
}

// An ancestor that the target has holds another attachment of the same name and age.
TEST_F(SessionTest, AStubIsNotTakenForAnOlderAttachmentOfItsName) {
    put(*a_,
        R"({"_id":"f","_rev":"1-a","_revisions":{"start":1,"ids":["a"]},"_attachments":{"t":{"data":"YWJj","content_type":"i/a","revpos":1}}})");
    replicate_well(TestingStore::between("a", "b"));
    put(*a_,
        R"({"_id":"f","_rev":"3-c","_revisions":{"start":3,"ids":["c","b","a"]},"_attachments":{"t":{"data":"ZGVm","content_type":"i/a","revpos":1}}})");
    replicate_well(TestingStore::between("a", "b"));
    std::vector<std::string> digests;
    for (auto *database : {a_.get(), b_.get()}) {
        auto head = database->head("f").value();
        auto tree = database->tree(*head).value();
        auto body = database->body(*head, tree.winner().rev, tree.winner().info).value();
        ASSERT_EQ(body->attachments.size(), 1U);
        digests.push_back(body->attachments.front().data.md5);
    }
    EXPECT_EQ(digests[0], digests[1]);
    EXPECT_EQ(leaves(*b_), leaves(*a_));
}

TEST_F(SessionTest, ADatabaseThatIsNotThereIsNamed) {
    auto end = testing_.run(TestingStore::between("a", "nowhere"));
    const auto &failure = std::get<Failure>(end);
    EXPECT_EQ(failure.error.word(), "db_not_found");
    EXPECT_EQ(failure.cause, Cause::target);
    EXPECT_EQ(failure.error.status(), 500);
    auto made = TestingStore::between("a", "nowhere");
    made.create_target = true;
    replicate_well(made);
}

TEST_F(SessionTest, AContinuousSessionWritesACheckpointWhenItIsStopped) {
    put(*a_, R"({"_id":"one"})");
    auto replication = TestingStore::between("a", "b");
    replication.continuous = true;
    auto end = testing_.run(replication);
    EXPECT_EQ(std::get<Failure>(end).error.code(), ErrorCode::cancelled);
    EXPECT_EQ(leaves(*b_), leaves(*a_));
    replication.continuous = false;
    EXPECT_NE(replicate_well(replication).checkpoint.find("no_changes"), nullptr);
}

// A checkpoint that fails is the fault of the side that it fails at.
TEST_F(SessionTest, ACheckpointThatTheSourceRefusesIsNotTheTargetsFault) {
    for (const char *gone : {"a", "b"}) {
        ASSERT_TRUE(testing_.config->set("couchdb", "max_document_size", "8000000", false).ok());
        put(*a_, R"({"_id":"large","text":"more than the target takes"})");
        ASSERT_TRUE(testing_.config->set("couchdb", "max_document_size", "20", false).ok());
        testing_.context.on_refusal = [&](const Replication &, const Refusal &) { testing_.erase(gone); };
        auto end = testing_.run(TestingStore::between("a", "b"));
        ASSERT_TRUE(std::holds_alternative<Failure>(end));
        EXPECT_EQ(std::get<Failure>(end).side, *gone == 'a' ? Cause::source : Cause::target) << gone;
        (*gone == 'a' ? a_ : b_) = testing_.create(gone);
    }
}

} // namespace
} // namespace divan::replication
