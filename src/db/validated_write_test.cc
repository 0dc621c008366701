#include "db/store.h"
#include "kv/memory/memory_engine.h"

#include <algorithm>
#include <fmt/format.h>
#include <future>
#include <gtest/gtest.h>
#include <mutex>
#include <random>
#include <thread>

namespace divan::db {
namespace {

doc::RevId rev(std::string_view text) {
    return doc::RevId::parse(text).value();
}

// Judges databases that have design documents.
class RecordingValidator final : public WriteValidator {
  public:
    struct Seen {
        std::string id;
        std::string rev;     // of a replicated edit
        std::string old_rev; // "" = none
        std::string old_json;
    };

    std::optional<std::vector<bool>> judged_cached(const Database &, const WriteContext &, Edits) override {
        return std::nullopt;
    }
    Result<std::vector<bool>> judged(Database &database, const WriteContext &, Edits edits) override {
        std::vector<bool> judged;
        if (database.has_design_documents())
            for (const auto *edit : edits)
                judged.push_back(!edit->id.starts_with("_design/"));
        return judged;
    }

    void judge(Database &, const WriteContext &context, std::vector<JudgedEdit> edits, Done done) override {
        std::vector<Result<void>> verdicts;
        for (const auto &judged : edits) {
            const auto &edit = *judged.edit;
            Seen one{edit.id, "", "", ""};
            if (edit.path)
                one.rev = doc::RevId{edit.path->start, edit.path->hashes.front()}.text();
            if (judged.replaced) {
                one.old_rev =
                    doc::RevId{judged.replaced->path.start, judged.replaced->path.hashes.front()}.text();
                one.old_json = judged.replaced->body.json;
            }
            verdicts.push_back(edit.json.find("forbid") == std::string::npos ? Result<void>()
                                                                             : ErrorCode::forbidden);
            std::lock_guard lock(mutex);
            seen.push_back(std::move(one));
            contexts.push_back(context.user_context());
        }
        if (between)
            between();
        done(std::move(verdicts));
    }

    std::string text() {
        std::lock_guard lock(mutex);
        std::string all;
        for (const auto &one : seen)
            all += fmt::format("{}({}) ", one.id, one.old_rev.empty() ? "-" : one.old_rev + one.old_json);
        seen.clear();
        return all;
    }

    std::mutex mutex;
    std::vector<Seen> seen;
    std::vector<std::string> contexts;
    std::function<void()> between; // runs when the edits were judged and nothing is committed yet
};

class ValidatedWriteTest : public testing::Test {
  protected:
    void SetUp() override {
        store_ = open_store({*engine_, pool_, clock_, random_, &validator_}, {}).value();
        database_ = store_->create("db", {}).value();
        write_design();
    }
    void TearDown() override { pool_.stop(); }

    std::vector<Result<Written>> write(std::vector<Edit> edits,
                                       WriteContext context = WriteContext::user("u")) {
        std::promise<std::vector<Result<Written>>> promise;
        database_->write(std::move(edits), std::move(context),
                         [&](auto answers) { promise.set_value(std::move(answers)); });
        return promise.get_future().get();
    }

    static Edit edit(std::string id, std::string json, std::string_view parent = "") {
        Edit made;
        made.id = std::move(id);
        made.json = std::move(json);
        if (!parent.empty())
            made.parent = rev(parent);
        return made;
    }

    // "3-c 2-b 1-a": a revision and its ancestors.
    static Edit replicated(std::string id, std::string json, const std::vector<std::string> &path) {
        auto made = edit(std::move(id), std::move(json));
        made.path = doc::RevPath{rev(path.front()).generation, {}};
        for (const auto &one : path)
            made.path->hashes.push_back(rev(one).hash);
        return made;
    }

    void write_design() {
        auto head = database_->head("_design/v").value();
        auto design =
            edit("_design/v", fmt::format(R"({{"n":{}}})", ++designs_), head ? head->rev.text() : "");
        std::vector<Edit> edits;
        edits.push_back(std::move(design));
        ASSERT_TRUE(write(std::move(edits), WriteContext::system())[0].ok());
    }

    std::string write_one(Edit one) {
        std::vector<Edit> edits;
        edits.push_back(std::move(one));
        auto answer = write(std::move(edits))[0];
        if (!answer.ok() && answer.error().status() == 500)
            ADD_FAILURE() << answer.error().reason();
        return answer.ok() ? answer->rev.text() : std::string(answer.error().word());
    }

    std::unique_ptr<kv::Engine> engine_ = kv::make_memory_engine();
    ThreadPool pool_{4};
    ManualClock clock_;
    SeededRandom random_{1};
    RecordingValidator validator_;
    std::unique_ptr<Store> store_;
    std::shared_ptr<Database> database_;
    int designs_ = 0;
};

TEST_F(ValidatedWriteTest, InteractiveEditsAreJudgedAgainstTheLeafTheyName) {
    auto first = write_one(edit("a", R"({"n":1})"));
    auto second = write_one(edit("a", R"({"n":2})", first));
    EXPECT_TRUE(second.starts_with("2-"));
    EXPECT_EQ(validator_.text(), "a(-) a(" + first + R"({"n":1}) )");
    EXPECT_EQ(write_one(edit("a", "{}")), "conflict");
    EXPECT_EQ(write_one(edit("a", "{}", first)), "conflict");
    EXPECT_EQ(validator_.text(), ""); // a conflict comes before a refusal
    EXPECT_EQ(write_one(edit("a", R"({"forbid":1})", second)), "forbidden");
    auto tombstone = edit("a", "{}", second);
    tombstone.deleted = true;
    EXPECT_TRUE(write_one(std::move(tombstone)).starts_with("3-"));
    EXPECT_TRUE(write_one(edit("a", R"({"n":3})")).starts_with("4-"));
    EXPECT_EQ(validator_.text(), "a(" + second + R"({"n":2}) a()" + second + R"({"n":2}) a(-) )");
    EXPECT_EQ(validator_.contexts.back(), "u");
}

TEST_F(ValidatedWriteTest, WhatNobodyJudges) {
    std::vector<Edit> edits;
    edits.push_back(edit("_design/x", R"({"forbid":1})"));
    EXPECT_TRUE(write(std::move(edits))[0].ok());
    edits.clear();
    edits.push_back(edit("b", R"({"forbid":1})"));
    EXPECT_TRUE(write(std::move(edits), WriteContext::system())[0].ok());
    EXPECT_EQ(validator_.text(), "");
}

TEST_F(ValidatedWriteTest, ReplicatedEditsAreJudgedAgainstTheNearestAncestor) {
    write_one(replicated("a", R"({"n":1})", {"1-a"}));
    write_one(replicated("a", R"({"n":3})", {"3-c", "2-b", "1-a"}));
    EXPECT_EQ(validator_.text(), R"(a(-) a(1-a{"n":1}) )");
    write_one(replicated("a", R"({"n":4})", {"4-d", "3-c"}));
    write_one(replicated("a", R"({"n":4})", {"4-d", "3-c"})); // there already
    write_one(replicated("a", R"({"n":9})", {"2-x", "1-a"}));
    write_one(replicated("a", R"({"n":9})", {"9-z"}));
    EXPECT_EQ(validator_.text(), R"(a(3-c{"n":3}) a(1-a{"n":1}) a(-) )");
    // Known as an ancestor only: its body would be stored.
    write_one(replicated("a", R"({"n":2})", {"2-b", "1-a"}));
    EXPECT_EQ(validator_.text(), R"(a(1-a{"n":1}) )");
    EXPECT_EQ(write_one(replicated("a", R"({"forbid":4})", {"5-e", "4-d"})), "forbidden");
}

TEST_F(ValidatedWriteTest, EditsOfOneWriteSeeTheOnesBefore) {
    std::vector<Edit> edits;
    edits.push_back(replicated("a", R"({"n":1})", {"1-a"}));
    edits.push_back(edit("b", R"({"forbid":1})"));
    edits.push_back(replicated("a", R"({"n":2})", {"2-b", "1-a"}));
    edits.push_back(edit("_design/w", "{}"));
    edits.push_back(replicated("a", R"({"forbid":3})", {"3-c", "2-b", "1-a"}));
    edits.push_back(replicated("a", R"({"n":4})", {"4-d", "3-c", "2-b", "1-a"}));
    auto answers = write(std::move(edits));
    std::string text;
    for (const auto &answer : answers)
        text += answer.ok() ? answer->rev.text().substr(0, 2) : std::string(answer.error().word()) + " ";
    EXPECT_EQ(text, "1-forbidden 2-1-forbidden 4-");
    // What descends from a refused edit is judged again, against what is there.
    EXPECT_EQ(validator_.text(),
              R"(a(-) b(-) a(1-a{"n":1}) a(2-b{"n":2}) a(3-c{"forbid":3}) a(2-b{"n":2}) )");
}

TEST_F(ValidatedWriteTest, JudgesAgainWhenTheFunctionsChange) {
    validator_.between = [&] {
        validator_.between = nullptr;
        write_design();
    };
    EXPECT_TRUE(write_one(edit("a", "{}")).starts_with("1-"));
    EXPECT_EQ(validator_.text(), "a(-) a(-) ");
}

TEST_F(ValidatedWriteTest, JudgesAgainWhenTheReplacedStateChanges) {
    write_one(replicated("a", R"({"n":1})", {"1-a"}));
    validator_.text();
    validator_.between = [&] {
        validator_.between = nullptr;
        write_one(replicated("a", R"({"n":2})", {"2-b", "1-a"}));
    };
    EXPECT_EQ(write_one(replicated("a", R"({"n":3})", {"3-c", "2-b", "1-a"})), "3-c");
    EXPECT_EQ(validator_.text(), R"(a(1-a{"n":1}) a(1-a{"n":1}) a(2-b{"n":2}) )");
}

TEST_F(ValidatedWriteTest, GivesUpWhenTheFunctionsChangeForever) {
    validator_.between = [&] { write_design(); };
    EXPECT_EQ(write_one(edit("a", "{}")), "service unavailable");
    validator_.between = nullptr;
    EXPECT_TRUE(write_one(edit("a", "{}")).starts_with("1-"));
}

// Threads write the revisions of one history in any order, and interactive edits of another document. What
// was judged last for each revision must be what its commit replaced: the number of a body is the sequence of
// its commit, so the order of commits can be told.
TEST_F(ValidatedWriteTest, WhatWasJudgedIsWhatTheCommitReplaced) {
    constexpr int kGenerations = 60;
    constexpr int kThreads = 6;
    constexpr int kCounted = 40; // by each thread
    std::vector<std::string> path;
    for (int i = kGenerations; i >= 1; --i)
        path.push_back(fmt::format("{}-{}", i, i));
    std::vector<std::string> order = path;
    std::shuffle(order.begin(), order.end(), std::mt19937(7));
    // Lets others commit between the judgement and the commit.
    validator_.between = [] {
        for (int i = 0; i < 200; ++i)
            std::this_thread::yield();
    };
    std::atomic<std::size_t> next = 0;
    std::atomic<int> counted = 0;
    std::vector<std::thread> threads;
    for (int i = 0; i < kThreads; ++i)
        threads.emplace_back([&] {
            for (std::size_t at = next++; at < order.size(); at = next++) {
                std::vector<std::string> whole(std::find(path.begin(), path.end(), order[at]), path.end());
                auto generation = whole.size();
                EXPECT_EQ(write_one(replicated("h", fmt::format(R"({{"n":{}}})", generation), whole)),
                          order[at]);
            }
            for (int done = 0; done < kCounted;) {
                auto head = database_->head("c").value();
                auto n = head ? std::stoi(head->body->json.substr(5)) : 0;
                auto answer =
                    write_one(edit("c", fmt::format(R"({{"n":{}}})", n + 1), head ? head->rev.text() : ""));
                if (answer == "conflict")
                    continue;
                EXPECT_NE(answer.find('-'), std::string::npos) << answer;
                ++done;
                ++counted;
            }
        });
    for (auto &thread : threads)
        thread.join();
    auto head = database_->head("h").value();
    auto tree = database_->tree(*head).value();
    std::map<std::string, std::string> judged; // the last time
    for (const auto &one : validator_.seen)
        if (one.id == "h")
            judged[one.rev] = one.old_rev;
    for (std::size_t i = 0; i < path.size(); ++i) {
        auto committed = tree.find(rev(path[i]))->body;
        std::string replaced;
        for (auto j = i + 1; j < path.size() && replaced.empty(); ++j)
            if (tree.find(rev(path[j]))->body < committed)
                replaced = path[j];
        EXPECT_EQ(judged.at(path[i]), replaced) << path[i];
    }
    EXPECT_EQ(database_->head("c").value()->body->json, fmt::format(R"({{"n":{}}})", kThreads * kCounted));
    EXPECT_EQ(counted, kThreads * kCounted);
}

} // namespace
} // namespace divan::db
