#include "design/design_documents.h"

#include "db/store.h"
#include "kv/memory/memory_engine.h"
#include "kv/testing/counting_engine.h"

#include <future>
#include <gtest/gtest.h>

namespace divan::design {
namespace {

class DesignDocumentsTest : public testing::Test {
  protected:
    void SetUp() override {
        store_ = db::open_store({counting_, pool_, clock_, random_}, {}).value();
        database_ = store_->create("db", {}).value();
    }

    doc::RevId write(const std::string &id, const std::string &json, std::optional<doc::RevId> parent = {},
                     bool deleted = false) {
        db::Edit edit;
        edit.id = id;
        edit.json = json;
        edit.parent = std::move(parent);
        edit.deleted = deleted;
        std::promise<doc::RevId> written;
        std::vector<db::Edit> edits;
        edits.push_back(std::move(edit));
        database_->write(std::move(edits), db::WriteContext::system(),
                         [&](auto answers) { written.set_value(answers[0].value().rev); });
        return written.get_future().get();
    }

    std::string ids() {
        std::string text;
        for (const auto &document : designs_.all(database_).value())
            text += document->id + " " + document->rev.substr(0, 2) + " ";
        return text;
    }

    std::unique_ptr<kv::Engine> engine_ = kv::make_memory_engine();
    kv::CountingEngine counting_{*engine_};
    ThreadPool pool_{2};
    ManualClock clock_;
    SeededRandom random_{1};
    std::unique_ptr<db::Store> store_;
    std::shared_ptr<db::Database> database_;
    DesignDocuments designs_;
};

TEST_F(DesignDocumentsTest, FollowsEveryChange) {
    EXPECT_EQ(ids(), "");
    EXPECT_EQ(designs_.find(database_, "_design/a").error().reason(), "missing");
    auto a = write("_design/a", R"({"views":{"v":{"map":"f"}}})");
    EXPECT_EQ(ids(), "_design/a 1- ");
    write("_design/b", R"({"x":")" + std::string(100'000, 'x') + R"("})"); // its body lies apart
    write("plain", "{}");
    EXPECT_EQ(ids(), "_design/a 1- _design/b 1- ");
    EXPECT_EQ(designs_.find(database_, "_design/a").value()->views.size(), 1u);
    a = write("_design/a", "{}", a);
    EXPECT_EQ(designs_.find_cached(database_, "_design/a"), nullptr);
    EXPECT_EQ(ids(), "_design/a 2- _design/b 1- ");
    EXPECT_EQ(designs_.find(database_, "_design/a").value()->views.size(), 0u);
    write("_design/a", "{}", a, true);
    EXPECT_EQ(ids(), "_design/b 1- ");
    EXPECT_EQ(designs_.find(database_, "_design/a").error().reason(), "deleted");
    ASSERT_TRUE(database_->purge({{"_design/b", {write("_design/b2", "{}")}}}).ok());
    EXPECT_EQ(ids(), "_design/b 1- _design/b2 1- ");
}

TEST_F(DesignDocumentsTest, ReadsTheEngineOnlyAfterAChange) {
    auto before = counting_.calls();
    auto calls = [&] {
        auto counted = counting_.calls() - before;
        before = counting_.calls();
        return counted.reads + counted.scans + counted.cached_reads;
    };
    calls();
    EXPECT_EQ(ids(), ""); // that there is none is known
    EXPECT_EQ(calls(), 0u);
    write("_design/a", "{}");
    calls();
    EXPECT_EQ(ids(), "_design/a 1- ");
    EXPECT_EQ(calls(), 1u);
    auto kept = designs_.find(database_, "_design/a").value();
    write("plain", "{}");
    calls();
    EXPECT_EQ(ids(), "_design/a 1- ");
    EXPECT_EQ(designs_.find_cached(database_, "_design/a"), kept);
    EXPECT_EQ(calls(), 0u);
    write("_design/b", "{}");
    EXPECT_EQ(designs_.find(database_, "_design/a").value(), kept); // what did not change is kept
}

TEST_F(DesignDocumentsTest, KnowsAfterOpeningWhetherThereAreAny) {
    EXPECT_FALSE(database_->has_design_documents());
    write("_design/a", "{}");
    EXPECT_TRUE(database_->has_design_documents());
    database_.reset();
    store_.reset();
    store_ = db::open_store({counting_, pool_, clock_, random_}, {}).value();
    database_ = store_->open("db").value();
    EXPECT_TRUE(database_->has_design_documents());
    EXPECT_EQ(ids(), "_design/a 1- ");
}

} // namespace
} // namespace divan::design
