#include "index/follower.h"

#include "base/random.h"
#include "db/store.h"
#include "kv/memory/memory_engine.h"

#include <condition_variable>
#include <future>
#include <gtest/gtest.h>

namespace divan::index {
namespace {

// Counts documents; stops in a commit when told.
class Counter final : public Consumer {
  public:
    [[nodiscard]] Checkpoint checkpoint() const override {
        std::lock_guard lock(mutex_);
        return checkpoint_;
    }
    [[nodiscard]] PageOptions page_options() const override { return {.documents_max = 10}; }
    Result<void> prepare(db::Database & /*database*/) override { return {}; }
    Result<std::unique_ptr<PageWork>> begin(DocumentPage page) override {
        return std::unique_ptr<PageWork>(std::make_unique<Work>(*this, std::move(page)));
    }
    Result<void> purged(db::Database & /*database*/, const std::vector<std::string> &ids,
                        std::uint64_t purge_seq) override {
        std::lock_guard lock(mutex_);
        purged_ids.insert(purged_ids.end(), ids.begin(), ids.end());
        checkpoint_.purge_seq = purge_seq;
        return {};
    }
    Result<void> sweep(db::Database & /*database*/, std::uint64_t purge_seq) override {
        std::lock_guard lock(mutex_);
        ++sweeps;
        checkpoint_.purge_seq = purge_seq;
        return {};
    }
    Result<void> caught_up(db::Database & /*database*/) override { return {}; }

    // The next commit waits for release().
    void hold() {
        std::lock_guard lock(mutex_);
        held_ = true;
    }
    void await_held() {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [&] { return waiting_; });
    }
    void release() {
        std::lock_guard lock(mutex_);
        held_ = false;
        changed_.notify_all();
    }

    std::vector<std::string> purged_ids;
    int sweeps = 0;
    std::size_t documents = 0;
    std::optional<Error> failure; // of commits

  private:
    struct Work final : PageWork {
        Work(Counter &consumer, DocumentPage taken) : counter(consumer), page(std::move(taken)) {}
        Result<void> commit(db::Database & /*database*/) override {
            std::unique_lock lock(counter.mutex_);
            counter.waiting_ = counter.held_;
            counter.changed_.notify_all();
            counter.changed_.wait(lock, [&] { return !counter.held_; });
            counter.waiting_ = false;
            if (counter.failure)
                return *counter.failure;
            counter.documents += page.documents.size();
            counter.checkpoint_.sequence = page.last;
            return {};
        }
        Counter &counter;
        DocumentPage page;
    };

    mutable std::mutex mutex_;
    std::condition_variable changed_;
    Checkpoint checkpoint_;
    bool held_ = false;
    bool waiting_ = false;
};

class FollowerTest : public testing::Test {
  protected:
    void SetUp() override {
        store_ = db::open_store({*engine_, pool_, clock_, random_}, {}).value();
        database_ = store_->create("db", {}).value();
    }

    void write(int count) {
        std::vector<db::Edit> edits(static_cast<std::size_t>(count));
        for (auto &edit : edits)
            edit.id = "doc" + std::to_string(next_id_++);
        std::promise<void> written;
        database_->write(std::move(edits), db::WriteContext::system(), [&](auto) { written.set_value(); });
        written.get_future().wait();
    }

    Checkpoint now() { return {database_->last_sequence().value(), database_->purge_seq()}; }

    std::future<Result<void>> update() {
        auto promise = std::make_shared<std::promise<Result<void>>>();
        follower_->update(database_, now(),
                          [promise](Result<void> result) { promise->set_value(std::move(result)); });
        return promise->get_future();
    }

    doc::RevId rev_of(const char *id) { return database_->head(id).value().value().rev; }

    std::unique_ptr<kv::Engine> engine_ = kv::make_memory_engine();
    ThreadPool pool_{2};
    SystemClock clock_;
    SystemRandom random_;
    std::unique_ptr<db::Store> store_;
    std::shared_ptr<db::Database> database_;
    ThreadPool foreground_{1};
    ThreadPool background_{1};
    FollowerContext context_{foreground_, background_, clock_};
    std::shared_ptr<Counter> counter_ = std::make_shared<Counter>();
    std::shared_ptr<Follower> follower_ = std::make_shared<Follower>(context_, counter_);
    int next_id_ = 0;
};

TEST_F(FollowerTest, AnUpdateCoversWhatWasWrittenBefore) {
    write(25);
    ASSERT_TRUE(update().get().ok());
    EXPECT_EQ(counter_->documents, 25u);
    EXPECT_TRUE(counter_->checkpoint().covers(now()));
    ASSERT_TRUE(update().get().ok()) << "nothing to do";
    EXPECT_EQ(counter_->documents, 25u);
}

TEST_F(FollowerTest, ManyWhoWaitShareOneRun) {
    write(25);
    counter_->hold();
    auto first = update();
    counter_->await_held();
    write(5);
    std::vector<std::future<Result<void>>> others;
    for (int i = 0; i < 10; ++i)
        others.push_back(update());
    EXPECT_EQ(follower_->progress().waiting, 11u);
    counter_->release();
    EXPECT_TRUE(first.get().ok());
    for (auto &other : others)
        EXPECT_TRUE(other.get().ok());
    EXPECT_EQ(counter_->documents, 30u);
}

TEST_F(FollowerTest, AnErrorIsToldAndTheNextUpdateGoesOn) {
    write(25);
    counter_->failure = Error(ErrorCode::os_process_error, "views.v.map");
    auto failed = update().get();
    ASSERT_FALSE(failed.ok());
    EXPECT_EQ(failed.error().reason(), "views.v.map");
    counter_->failure.reset();
    EXPECT_TRUE(update().get().ok());
    EXPECT_EQ(counter_->documents, 25u);
}

TEST_F(FollowerTest, PurgesAreTakenAndLostRecordsSwept) {
    write(10);
    ASSERT_TRUE(update().get().ok());
    ASSERT_TRUE(database_->purge({{"doc3", {rev_of("doc3")}}}).ok());
    ASSERT_TRUE(update().get().ok());
    EXPECT_EQ(counter_->purged_ids, std::vector<std::string>{"doc3"});
    ASSERT_TRUE(database_->set_purged_infos_limit(1).ok());
    for (const char *id : {"doc4", "doc5", "doc6"})
        ASSERT_TRUE(database_->purge({{id, {rev_of(id)}}}).ok());
    ASSERT_TRUE(update().get().ok());
    EXPECT_EQ(counter_->sweeps, 1);
}

TEST_F(FollowerTest, PagesEndWhenTheirTextsAreLarge) {
    write(25);
    auto small = read_document_page(*database_, kv::Sequence(0), {.text_bytes_max = 100});
    ASSERT_TRUE(small.ok());
    EXPECT_TRUE(small->more);
    EXPECT_LT(small->documents.size(), 10u);
    std::size_t documents = small->documents.size();
    while (small->more) {
        small = read_document_page(*database_, small->last, {.text_bytes_max = 100});
        ASSERT_TRUE(small.ok());
        documents += small->documents.size();
    }
    EXPECT_EQ(documents, 25u) << "each document once";
    EXPECT_EQ(small->last, now().sequence);
}

// A pool that was stopped runs its work at once: on the thread of a turn that held the follower's mutex.
TEST_F(FollowerTest, StopsWhileATurnIsUnderWayAndMoreIsWanted) {
    write(25);
    counter_->hold();
    auto waiting = update();
    counter_->await_held();
    follower_->update_later(database_);
    context_.stopping = true;
    background_.stop();
    auto stopped = std::async(std::launch::async, [&] { foreground_.stop(); });
    counter_->release();
    stopped.get();
    auto result = waiting.get();
    if (!result.ok())
        EXPECT_EQ(result.error().code(), ErrorCode::cancelled);
    EXPECT_FALSE(follower_->progress().running);
    write(1);
    EXPECT_FALSE(update().get().ok()) << "nothing is begun any more";
}

} // namespace
} // namespace divan::index
