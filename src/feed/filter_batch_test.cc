#include "feed/filter_batch.h"

#include "db/store.h"
#include "kv/memory/memory_engine.h"
#include "json/parser.h"

#include <future>
#include <gtest/gtest.h>

namespace divan::feed {
namespace {

class FilterBatchTest : public testing::Test {
  protected:
    doc::RevId write(const std::string &id, std::string json, std::optional<doc::RevId> parent = {}) {
        db::Edit edit;
        edit.id = id;
        edit.json = std::move(json);
        edit.parent = std::move(parent);
        std::promise<doc::RevId> written;
        database_->write({std::move(edit)}, db::WriteContext::system(),
                         [&](auto answers) { written.set_value(answers.front().value().rev); });
        return written.get_future().get();
    }

    // The revisions that match a selector, of changes that were read before.
    std::vector<std::string> matching(std::vector<db::Change> changes, const std::string &selector) {
        auto batch = FilterBatch::read(*database_, changes, {}).value();
        EXPECT_TRUE(changes.empty());
        selector::Matcher matcher(selector::Selector::compile(json::parse(selector).value()).value());
        batch.match(matcher);
        EXPECT_TRUE(batch.done());
        std::vector<std::string> revs;
        for (const auto &passed : batch.take_passed())
            revs.push_back(passed.change.leaves.front().rev.text());
        return revs;
    }

    std::unique_ptr<kv::Engine> engine_ = kv::make_memory_engine();
    ThreadPool pool_{2};
    ManualClock clock_;
    SeededRandom random_{1};
    std::unique_ptr<db::Store> store_ = db::open_store({*engine_, pool_, clock_, random_}, {}).value();
    std::shared_ptr<db::Database> database_ = store_->create("db", {}).value();
};

TEST_F(FilterBatchTest, AChangeIsJudgedAtItsRevisionThoughTheDocumentWasWrittenSince) {
    auto first = write("a", R"({"n":1})");
    auto changes = database_->changes({})->changes;
    write("a", R"({"n":2})", first);
    EXPECT_EQ(matching(changes, R"({"n":1})"), std::vector{first.text()});
    EXPECT_EQ(matching(changes, R"({"n":2})"), std::vector<std::string>());
}

TEST_F(FilterBatchTest, PurgedDocumentsPassNothing) {
    auto rev = write("a", R"({"n":1})");
    auto changes = database_->changes({})->changes;
    ASSERT_TRUE(database_->purge({{"a", {rev}}}).ok());
    EXPECT_EQ(matching(changes, "{}"), std::vector<std::string>());
    changes.front().leaves.clear(); // as when it was gone before its tree was read
    write("a", R"({"n":1})");
    EXPECT_EQ(matching(changes, "{}"), std::vector<std::string>());
}

} // namespace
} // namespace divan::feed
