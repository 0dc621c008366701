// Who records writes is told of what a commit takes in, in that commit.

#include "db/commit_audit.h"
#include "db/keys.h"
#include "db/store.h"
#include "db/testing_validator.h"
#include "kv/memory/memory_engine.h"

#include <fmt/format.h>
#include <future>
#include <gtest/gtest.h>

namespace divan::db {
namespace {

class TestingAudit final : public CommitAudit {
  public:
    [[nodiscard]] bool records(std::string_view /*database*/, std::string_view id) const override {
        return !id.starts_with("quiet");
    }
    void append(std::string_view database, kv::Sequence first, std::span<const AuditedWrite> writes,
                kv::WriteBatch &batch) override {
        for (const auto &write : writes)
            for (const auto &edit : write.edits)
                told.push_back(fmt::format("{} {} {}<{}{} by {}", database, edit.id, edit.rev->generation,
                                           edit.replaced ? std::to_string(edit.replaced->generation) : "-",
                                           edit.deleted ? " deleted" : "",
                                           write.author->is_system() ? "server" : write.author->origin()));
        batch.put(kv::Table::documents, fmt::format("{}{}", keys::kAuditPrefix, first.value), "row");
    }
    void committed(kv::ShardId shard) override { shards.push_back(shard); }
    Result<void> before_erase(kv::ShardId shard) override {
        erased.push_back(shard);
        if (refuse_erase)
            return ErrorCode::service_unavailable;
        return {};
    }

    std::vector<std::string> take() { return std::exchange(told, {}); }

    std::vector<std::string> told;
    std::vector<kv::ShardId> shards, erased;
    bool refuse_erase = false;
};

class CommitAuditTest : public testing::Test {
  protected:
    void SetUp() override {
        store_ = open_store({*engine_, pool_, clock_, random_, &validator_, &audit_}, {}).value();
        database_ = store_->create("db", {}).value();
        shard_ = database_->derived_rows().shard;
    }

    std::vector<Result<Written>> write(std::vector<Edit> edits,
                                       WriteContext context = WriteContext::user("{}", "anna")) {
        std::promise<std::vector<Result<Written>>> promise;
        database_->write(std::move(edits), std::move(context),
                         [&](auto answers) { promise.set_value(std::move(answers)); });
        return promise.get_future().get();
    }

    static Edit edit(std::string id, std::optional<doc::RevId> parent = {}, bool deleted = false) {
        Edit made;
        made.id = std::move(id);
        made.parent = std::move(parent);
        made.deleted = deleted;
        return made;
    }

    std::size_t rows() { return engine_->scan({.shard = shard_, .begin = "a", .end = "b"})->size(); }

    std::unique_ptr<kv::Engine> engine_ = kv::make_memory_engine();
    ThreadPool pool_{2};
    SystemClock clock_;
    SystemRandom random_;
    NoValidator validator_;
    TestingAudit audit_;
    std::unique_ptr<Store> store_;
    std::shared_ptr<Database> database_;
    kv::ShardId shard_;
};

using Told = std::vector<std::string>;

TEST_F(CommitAuditTest, AcceptedEditsAreToldInTheirCommit) {
    auto first = write({edit("a")}).front().value().rev;
    EXPECT_EQ(audit_.take(), Told{"db a 1<- by anna"});
    EXPECT_EQ(rows(), 1U);
    EXPECT_EQ(audit_.shards, std::vector<kv::ShardId>{shard_});
    auto second = write({edit("a", first)}, WriteContext::system()).front().value().rev;
    EXPECT_EQ(audit_.take(), Told{"db a 2<1 by server"});
    write({edit("a", second, true)});
    EXPECT_EQ(audit_.take(), Told{"db a 3<2 deleted by anna"});
    write({edit("a")});
    EXPECT_EQ(audit_.take(), Told{"db a 4<3 by anna"}) << "on top of a tombstone that was not named";
    EXPECT_EQ(rows(), 4U);
}

TEST_F(CommitAuditTest, RefusedEditsAndThoseThatAreNotRecordedAreNot) {
    write({edit("a")});
    audit_.take();
    auto answers = write({edit("a"), edit("b"), edit("quiet")});
    EXPECT_FALSE(answers[0].ok());
    EXPECT_EQ(audit_.take(), Told{"db b 1<- by anna"});
    write({edit("quiet2")});
    EXPECT_EQ(audit_.take(), Told{});
    EXPECT_EQ(rows(), 2U);
    EXPECT_EQ(audit_.shards.size(), 2U);
}

TEST_F(CommitAuditTest, WriteThatFailsAsAWholeIsNot) {
    auto stub = edit("b");
    stub.attachments.push_back({"none", "", std::nullopt, std::nullopt, ""});
    auto answers = write({edit("a"), stub});
    EXPECT_FALSE(answers[0].ok());
    EXPECT_EQ(audit_.take(), Told{});
}

TEST_F(CommitAuditTest, ReplicatedEditsTellTheirAncestorOnce) {
    auto replicated = edit("a");
    replicated.path = doc::RevPath{3, {doc::RevHash::from_bytes("c"), doc::RevHash::from_bytes("b")}};
    write({replicated});
    write({replicated});
    EXPECT_EQ(audit_.take(), Told{"db a 3<2 by anna"}) << "the second time nothing changes";
}

TEST_F(CommitAuditTest, DeletedDatabaseIsErasedWhenItsRecordsAreTaken) {
    write({edit("a")});
    audit_.refuse_erase = true;
    ASSERT_TRUE(store_->erase("db").ok());
    store_->housekeep();
    EXPECT_EQ(audit_.erased, std::vector<kv::ShardId>{shard_});
    EXPECT_EQ(rows(), 1U);
    audit_.refuse_erase = false;
    store_->housekeep();
    EXPECT_EQ(rows(), 0U);
}

TEST_F(CommitAuditTest, ShardsOfAllDatabases) {
    auto other = store_->create("other", {}).value();
    auto shards = store_->shards();
    ASSERT_TRUE(shards.ok());
    EXPECT_EQ(*shards, (std::vector<kv::ShardId>{shard_, other->derived_rows().shard}));
}

} // namespace
} // namespace divan::db
