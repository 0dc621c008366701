// Readers while the document that they read is written: what lies in several rows is read at one moment.

#include "db/keys.h"
#include "db/store.h"
#include "kv/memory/memory_engine.h"
#include "kv/testing/counting_engine.h"

#include <algorithm>
#include <functional>
#include <future>
#include <gtest/gtest.h>
#include <thread>

namespace divan::db {
namespace {

// Does something before rows of a kind are read, as often as told.
class InterruptedReads final : public kv::CountingEngine {
  public:
    using CountingEngine::CountingEngine;

    Result<std::vector<std::optional<std::string>>> read(kv::ShardId shard, std::span<const kv::KeyRef> keys,
                                                         const kv::Snapshot *snapshot) override {
        bool reads_them =
            std::any_of(keys.begin(), keys.end(), [&](auto key) { return key.key.starts_with(prefix); });
        if (reads_them && times > 0 && !interrupting_) {
            --times;
            interrupting_ = true;
            interrupt();
            interrupting_ = false;
        }
        return CountingEngine::read(shard, keys, snapshot);
    }

    std::function<void()> interrupt;
    std::string prefix = db::keys::tree(0).substr(0, 1); // of the keys of such rows
    int times = 0;

  private:
    bool interrupting_ = false;
};

class ConcurrentReadsTest : public testing::Test {
  protected:
    void SetUp() override {
        store_ = open_store({engine_, pool_, clock_, random_}, {}).value();
        database_ = store_->create("db", {}).value();
        for (int i = 0; i < 12; ++i)
            add_leaf();
        engine_.interrupt = [this] { add_leaf(); };
    }

    // A conflict more: the whole tree is written anew.
    void add_leaf() { add_leaf("leaf" + std::to_string(++leaves_)); }
    void add_leaf(const std::string &hash) {
        Edit edit;
        edit.id = "a";
        edit.path = doc::RevPath{1, {doc::RevHash::from_text(hash)}};
        std::promise<bool> written;
        database_->write({std::move(edit)}, WriteContext::system(),
                         [&](auto answers) { written.set_value(answers.front().ok()); });
        ASSERT_TRUE(written.get_future().get());
    }

    doc::RevId write(const std::string &json, std::optional<doc::RevId> parent = {}) {
        Edit edit;
        edit.id = "large";
        edit.json = json;
        edit.parent = std::move(parent);
        std::promise<doc::RevId> written;
        database_->write({std::move(edit)}, WriteContext::system(),
                         [&](auto answers) { written.set_value(answers.front().value().rev); });
        return written.get_future().get();
    }

    std::vector<std::string> scanned(DocumentScan scan) {
        std::vector<std::string> texts;
        auto end = database_->scan_documents(scan, [&](std::string_view, std::string_view text) {
            texts.emplace_back(text);
            return true;
        });
        EXPECT_TRUE(end.ok()) << end.error().reason();
        return texts;
    }

    std::unique_ptr<kv::Engine> memory_ = kv::make_memory_engine();
    InterruptedReads engine_{*memory_};
    ThreadPool pool_{2};
    ManualClock clock_;
    SeededRandom random_{1};
    std::unique_ptr<Store> store_;
    std::shared_ptr<Database> database_;
    int leaves_ = 0;
};

TEST_F(ConcurrentReadsTest, ChangesTellAllLeavesOfADocumentThatIsWrittenAllTheTime) {
    engine_.times = 5;
    auto page = database_->changes({});
    ASSERT_TRUE(page.ok()) << page.error().reason();
    ASSERT_EQ(page->changes.size(), 1u);
    EXPECT_GE(page->changes.front().leaves.size(), 12u);
}

TEST_F(ConcurrentReadsTest, TreeIsWholeThoughTheDocumentIsWrittenAllTheTime) {
    auto head = database_->head("a").value();
    engine_.times = 5;
    auto tree = database_->tree(*head);
    ASSERT_TRUE(tree.ok()) << tree.error().reason();
    EXPECT_GE(tree->leaves().size(), 12u);
}

TEST_F(ConcurrentReadsTest, ATextNamesAllConflictsThoughTheDocumentIsWrittenAllTheTime) {
    engine_.times = 5;
    auto texts = scanned({.text = {.conflicts = true}});
    ASSERT_EQ(texts.size(), 1u);
    // One of the leaves is `_rev`, and one was added after the head was read. What comes later is of another
    // moment.
    EXPECT_EQ(std::count(texts[0].begin(), texts[0].end(), '-'), 13);
    EXPECT_LT(engine_.times, 5) << "nobody wrote meanwhile";
}

TEST_F(ConcurrentReadsTest, ATextIsOfOneMomentThoughATreeOfTheSameSizeCameMeanwhile) {
    engine_.times = 1;
    engine_.interrupt = [this] {
        auto winner = database_->head("a").value()->rev;
        ASSERT_EQ(winner.text(), "1-leaf9");
        ASSERT_TRUE(database_->purge({{"a", {winner}}}).ok());
        add_leaf("leafx");
    };
    auto texts = scanned({.text = {.conflicts = true}});
    ASSERT_EQ(texts.size(), 1u);
    EXPECT_TRUE(texts[0].starts_with(R"({"_id":"a","_rev":"1-leafx","_conflicts":["1-leaf8",)")) << texts[0];
    EXPECT_EQ(texts[0].find("leaf9"), std::string::npos) << texts[0];
}

TEST_F(ConcurrentReadsTest, ATextIsThatOfTheRevisionThatReplacedAndCompactionForgotTheBody) {
    auto first = write(R"({"value":")" + std::string(10'000, 'x') + "\"}");
    engine_.prefix = keys::kBodyPrefix;
    engine_.times = 1;
    doc::RevId second;
    engine_.interrupt = [&] {
        second = write(R"({"value":"small"})", first);
        ASSERT_TRUE(database_->start_compaction().ok());
        while (database_->info()->compact_running)
            std::this_thread::yield();
    };
    auto texts = scanned({.begin = "large"});
    EXPECT_EQ(texts, std::vector{R"({"_id":"large","_rev":")" + second.text() + R"(","value":"small"})"});
    EXPECT_EQ(engine_.times, 0);
}

TEST_F(ConcurrentReadsTest, ADocumentThatIsPurgedWhileItIsReadHasNoText) {
    auto rev = write(R"({"value":")" + std::string(10'000, 'x') + "\"}");
    engine_.prefix = keys::kBodyPrefix;
    engine_.times = 1;
    engine_.interrupt = [&] { ASSERT_TRUE(database_->purge({{"large", {rev}}}).ok()); };
    EXPECT_TRUE(scanned({.begin = "large"}).empty());
    EXPECT_EQ(engine_.times, 0);
}

} // namespace
} // namespace divan::db
