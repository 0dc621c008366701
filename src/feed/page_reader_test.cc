#include "feed/page_reader.h"

#include "db/store.h"
#include "kv/memory/memory_engine.h"
#include "json/parser.h"

#include <future>
#include <gtest/gtest.h>
#include <map>

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

// Far behind, documents are looked at in the order of their ids instead.
TEST_F(PageReaderTest, ASelectorFarBehindGetsWhatTheFeedHasInItsOrder) {
    constexpr int kDocuments = 3'000;
    auto name = [](int i) { return "d" + std::to_string(i * 7'919 % kDocuments); };
    for (int i = 0; i < kDocuments; ++i)
        write(name(i), "{\"n\":" + std::to_string(i % 100) + "}");
    auto erase = [&](const std::string &id) {
        db::Edit edit;
        edit.id = id;
        edit.parent = database_->head(id).value()->rev;
        edit.deleted = true;
        edit.json = R"({"n":1})";
        std::promise<bool> written;
        database_->write({std::move(edit)}, db::WriteContext::system(),
                         [&](auto answers) { written.set_value(answers.front().ok()); });
        ASSERT_TRUE(written.get_future().get());
    };
    erase(name(1));
    erase(name(2));
    auto body = json::parse(R"({"selector":{"n":1}})").value();
    auto ones = reader({.selector = read_selector(body.object(), {}).value()});
    std::map<std::string, kv::Sequence> seen;
    kv::Sequence at;
    int pages = 0;
    for (bool more = true; more;) {
        auto page = ones.read().value();
        for (const auto &change : page.changes) {
            EXPECT_LT(at, change.sequence);
            at = change.sequence;
            seen[change.id] = change.sequence;
        }
        EXPECT_LE(at, page.last);
        // Only some is taken, and something happens before the next one.
        bool cut = page.changes.size() > 10;
        ones.go_on(cut ? page.changes[9].sequence : page.last);
        at = cut ? page.changes[9].sequence : at;
        more = cut || page.more;
        if (++pages == 2) {
            erase(name(101));
            write("late", R"({"n":1})");
        }
    }
    EXPECT_GT(pages, 3);
    std::size_t expected = 0;
    for (const auto &change : database_->changes({.rows_max = 10'000}).value().changes) {
        auto head = database_->heads(std::vector<std::string>{change.id}, {.bodies = true}).value().front();
        if (head->body->json != R"({"n":1})")
            continue;
        ++expected;
        EXPECT_EQ(seen[change.id], change.sequence) << change.id;
    }
    EXPECT_EQ(expected, 32u);
    EXPECT_EQ(seen.size(), expected);
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
