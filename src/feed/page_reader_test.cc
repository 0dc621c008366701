#include "feed/page_reader.h"

#include "db/store.h"
#include "kv/memory/memory_engine.h"
#include "json/parser.h"

#include <future>
#include <gtest/gtest.h>

namespace divan::feed {
namespace {

class PageReaderTest : public testing::Test {
  protected:
    void write(const std::string &id, std::string json) {
        db::Edit edit;
        edit.id = id;
        edit.json = std::move(json);
        std::promise<bool> written;
        database_->write({std::move(edit)}, db::WriteContext::system(),
                         [&](auto answers) { written.set_value(answers.front().ok()); });
        ASSERT_TRUE(written.get_future().get());
    }

    PageReader reader(PageOptions options) {
        return PageReader(*database_, std::move(options), kv::Sequence(), database_->last_sequence().value());
    }

    // The ids of all pages, each page with a "|" behind it.
    static std::string read_all(PageReader &reader) {
        std::string ids;
        for (bool more = true; more;) {
            auto page = reader.read().value();
            for (const auto &change : page.changes)
                ids += change.id + " ";
            ids += "|";
            reader.go_on(page.last);
            more = page.more;
        }
        return ids;
    }

    std::unique_ptr<kv::Engine> engine_ = kv::make_memory_engine();
    ThreadPool pool_{2};
    ManualClock clock_;
    SeededRandom random_{1};
    std::unique_ptr<db::Store> store_ = db::open_store({*engine_, pool_, clock_, random_}, {}).value();
    std::shared_ptr<db::Database> database_ = store_->create("db", {}).value();
};

TEST_F(PageReaderTest, WhatIsWrittenBetweenPagesIsOnALaterOne) {
    write("a", "{}");
    write("_design/d", "{}");
    write("b", "{}");
    auto all = reader({});
    EXPECT_EQ(read_all(all), "a _design/d b |");
    write("c", "{}");
    EXPECT_EQ(read_all(all), "c |");
    EXPECT_EQ(read_all(all), "|");
    auto down = reader({.descending = true});
    EXPECT_EQ(read_all(down), "c b _design/d a |");
}

TEST_F(PageReaderTest, FiltersById) {
    write("a", "{}");
    write("_design/d", "{}");
    write("b", "{}");
    auto designs = reader({.design_only = true});
    EXPECT_EQ(read_all(designs), "_design/d |");
    EXPECT_EQ(designs.at(), kv::Sequence(3)); // behind what did not pass, too

    auto few = reader({.doc_ids = std::set<std::string>{"b", "a", "none"}});
    EXPECT_TRUE(few.reads_all_at_once());
    EXPECT_EQ(read_all(few), "a b |");
    EXPECT_EQ(read_all(few), "|");

    std::set<std::string> ids = {"b"};
    for (int i = 0; i < 1'000; ++i)
        ids.insert("x" + std::to_string(i));
    auto many = reader({.doc_ids = ids});
    EXPECT_FALSE(many.reads_all_at_once());
    EXPECT_EQ(read_all(many), "b |");
}

TEST_F(PageReaderTest, ASelectorTellsHowManyChangesWereExamined) {
    for (int i = 0; i < 5; ++i)
        write("d" + std::to_string(i), "{\"n\":" + std::to_string(i % 2) + "}");
    auto body = json::parse(R"({"selector":{"n":1}})").value();
    auto odd = reader({.selector = read_selector(body.object(), {}).value()});
    auto page = odd.read(1).value();
    ASSERT_EQ(page.changes.size(), 2u);
    EXPECT_EQ(page.changes[1].id, "d3");
    EXPECT_EQ(page.examined, (std::vector<std::size_t>{2, 4}));
    EXPECT_EQ(page.examined_count, 5u);
    EXPECT_EQ(page.last, kv::Sequence(5));
    EXPECT_FALSE(page.more);
    EXPECT_FALSE(read_selector(json::parse("{}").value().object(), {}).ok());
}

TEST_F(PageReaderTest, NoMoreIsReadThanWanted) {
    for (const char *id : {"a", "b", "c"})
        write(id, "{}");
    auto all = reader({});
    auto page = all.read(2).value();
    EXPECT_EQ(page.changes.size(), 2u);
    EXPECT_TRUE(page.more);
    EXPECT_TRUE(page.examined.empty());
    all.go_on(page.changes.front().sequence);
    EXPECT_EQ(read_all(all), "b c |");
}

} // namespace
} // namespace divan::feed
