// Readers while the document that they read is written: what lies in several rows is read at one moment.

#include "db/keys.h"
#include "db/store.h"
#include "kv/memory/memory_engine.h"
#include "kv/testing/counting_engine.h"

#include <algorithm>
#include <functional>
#include <future>
#include <gtest/gtest.h>

namespace divan::db {
namespace {

// Does something before the rows of a revision tree are read, as often as told.
class InterruptedReads final : public kv::CountingEngine {
  public:
    using CountingEngine::CountingEngine;

    Result<std::vector<std::optional<std::string>>> read(kv::ShardId shard, std::span<const kv::KeyRef> keys,
                                                         const kv::Snapshot *snapshot) override {
        auto prefix = db::keys::tree(0).substr(0, 1);
        bool reads_tree =
            std::any_of(keys.begin(), keys.end(), [&](auto key) { return key.key.starts_with(prefix); });
        if (reads_tree && times > 0 && !interrupting_) {
            --times;
            interrupting_ = true;
            interrupt();
            interrupting_ = false;
        }
        return CountingEngine::read(shard, keys, snapshot);
    }

    std::function<void()> interrupt;
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
    void add_leaf() {
        Edit edit;
        edit.id = "a";
        edit.path = doc::RevPath{1, {doc::RevHash::from_text("leaf" + std::to_string(++leaves_))}};
        std::promise<bool> written;
        database_->write({std::move(edit)}, WriteContext::system(),
                         [&](auto answers) { written.set_value(answers.front().ok()); });
        ASSERT_TRUE(written.get_future().get());
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

} // namespace
} // namespace divan::db
