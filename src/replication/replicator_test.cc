#include "db/store.h"
#include "kv/memory/memory_engine.h"
#include "replication/document_guard.h"
#include "replication/replicator.h"
#include "replication/testing_context.h"
#include "json/parser.h"
#include "json/writer.h"

namespace divan::replication {
namespace {

// The store, its pool and the replicator on one loop: each step is seen.
class ReplicatorTest : public testing::Test {
  protected:
    ReplicatorTest() {
        options_.startup_jitter_max = Millis(0);
        create("_replicator");
        begin();
    }
    ~ReplicatorTest() override { end(); }

    void begin() {
        replicator_ = std::make_unique<Replicator>(
            test_.context, *store_, options_, runner_.runner(),
            [this](const Replication &replication, Cancellation &) { return identify(replication); });
        replicator_->start();
        settle();
    }
    void end() {
        bool ended = false;
        spawn(replicator_->shut_down(), [&] { ended = true; });
        settle();
        EXPECT_TRUE(ended);
        replicator_.reset();
        settle();
    }
    Task<Result<ReplicationId>> identify(Replication replication) {
        ++identified_;
        if (identify_error_)
            co_return *identify_error_;
        // Short ids: what replicates is a name.
        ReplicationId id{replication.source.shown() + filter_source_,
                         replication.continuous ? "+continuous" : ""};
        co_return id;
    }
    void settle() { EXPECT_TRUE(test_.loop.run_until_idle()); }
    void create(const std::string &name) {
        ASSERT_TRUE(store_->create(name, {}).ok());
        if (replicator_)
            settle();
    }

    // Writes as somebody would, or as a replication does.
    void put(const std::string &id, const std::string &json, const std::string &name = "_replicator",
             bool deleted = false) {
        auto database = store_->open(name).value();
        db::Edit edit;
        edit.id = id;
        edit.json = json;
        edit.deleted = deleted;
        if (auto head = database->head(id).value())
            edit.parent = head->rev;
        bool written = false;
        std::vector<db::Edit> edits;
        edits.push_back(std::move(edit));
        database->write(std::move(edits), db::WriteContext::system(), [&](auto answers) {
            written = true;
            EXPECT_TRUE(answers.at(0).ok());
        });
        settle();
        EXPECT_TRUE(written);
    }
    void remove(const std::string &id) { put(id, "{}", "_replicator", true); }
    json::Object stored(const std::string &id) {
        auto head = store_->open("_replicator").value()->head(id).value().value();
        return json::parse(head.body->json).value().object();
    }
    std::string member(const std::string &id, const char *name) {
        auto document = stored(id);
        const auto *value = document.find(name);
        return value == nullptr ? "none" : value->is_string() ? value->string() : json::to_text(*value);
    }
    std::string generation(const std::string &id) {
        return std::to_string(store_->open("_replicator").value()->head(id).value()->rev.generation);
    }
    std::string running() {
        std::string text;
        for (const auto &id : runner_.ids())
            text += id + " ";
        return text;
    }
    std::size_t job_count() {
        std::optional<Scheduler::Counts> counts;
        spawn(keep(replicator_->counts(test_.loop), counts), [] {});
        settle();
        return counts.value().total;
    }
    DocumentView view(const std::string &id) {
        std::optional<Result<DocumentView>> view;
        spawn(keep(replicator_->document("_replicator", id, test_.loop), view), [] {});
        settle();
        return view.value().value();
    }
    template <typename T> Task<void> keep(Task<T> task, std::optional<T> &out) {
        out.emplace(co_await std::move(task));
    }
    std::shared_ptr<Replicator::Request> ask(const char *body,
                                             access::Principal principal = {"anna", {"_admin"}, ""}) {
        auto request = replicator_->replicate(json::parse(body).value().object(), std::move(principal));
        settle();
        return request;
    }
    // "200 {...}", an error's status and reason, or "waits".
    static std::string answer(const std::shared_ptr<Replicator::Request> &request) {
        auto answer = request->take();
        if (!answer)
            return "waits";
        if (!answer->ok())
            return std::to_string(answer->error().status()) + " " + answer->error().reason();
        return std::to_string((*answer)->status) + " " + (*answer)->body;
    }

    TestContext test_;
    std::unique_ptr<kv::Engine> engine_ = kv::make_memory_engine();
    std::unique_ptr<db::Store> store_ =
        db::open_store({*engine_, test_.loop, test_.loop.clock(), test_.random}, {}).value();
    FakeRunner runner_{test_.loop};
    SchedulerOptions options_;
    std::unique_ptr<Replicator> replicator_;
    std::optional<Error> identify_error_;
    std::string filter_source_;
    std::size_t identified_ = 0;
};

TEST_F(ReplicatorTest, OneShotDocumentsComplete) {
    put("d", R"({"source":"a","target":"b"})");
    EXPECT_EQ(running(), "a ");
    EXPECT_EQ(view("d").state, "running");
    EXPECT_EQ(view("d").id, "a");
    runner_.end("a", SessionResult{});
    settle();
    EXPECT_EQ(member("d", "_replication_state"), "completed");
    EXPECT_NE(member("d", "_replication_stats").find("start_time"), std::string::npos);
    EXPECT_EQ(generation("d"), "2");
    EXPECT_EQ(runner_.starts, 1U);
    auto ended = view("d");
    EXPECT_TRUE(ended.ended);
    EXPECT_EQ(ended.state, "completed");
    EXPECT_EQ(ended.source, "a");
    EXPECT_EQ(ended.id, "");
    EXPECT_FALSE(ended.info.object().contains("start_time"));
    // Not after a restart either.
    end();
    begin();
    EXPECT_EQ(runner_.starts, 1U);
    // But when somebody takes the state out.
    put("d", R"({"source":"a","target":"b"})");
    EXPECT_EQ(runner_.starts, 2U);
}

TEST_F(ReplicatorTest, DocumentsThatWereThereAreFound) {
    end();
    create("x/_replicator");
    create("other");
    put("c", R"({"source":"c","target":"b","continuous":true})", "x/_replicator");
    put("_design/d", "{}", "x/_replicator");
    put("o", R"({"source":"o","target":"b"})", "other");
    begin();
    EXPECT_EQ(running(), "c+continuous ");
    end();
    EXPECT_EQ(running(), "");
    begin();
    EXPECT_EQ(running(), "c+continuous ");
    ASSERT_TRUE(store_->erase("x/_replicator").ok());
    settle();
    EXPECT_EQ(running(), "");
    create("x/_replicator");
    put("c", R"({"source":"d","target":"b","continuous":true})", "x/_replicator");
    EXPECT_EQ(running(), "d+continuous ");
}

TEST_F(ReplicatorTest, EditsRestartAndDeletionsEnd) {
    put("d", R"({"source":"a","target":"b","continuous":true})");
    put("d", R"({"source":"a","target":"b","continuous":true,"_replication_state":"triggered"})");
    EXPECT_EQ(runner_.starts, 1U);
    EXPECT_EQ(member("d", "_replication_state"), "triggered");
    put("d", R"({"source":"a","target":"c","continuous":true})");
    EXPECT_EQ(runner_.starts, 2U);
    EXPECT_EQ(running(), "a+continuous ");
    put("d", R"({"source":"e","target":"c","continuous":true})");
    EXPECT_EQ(running(), "e+continuous ");
    remove("d");
    EXPECT_EQ(running(), "");
    EXPECT_EQ(job_count(), 0U);
}

TEST_F(ReplicatorTest, CrashingDocumentsAreTriedAgainAndFailWhenToldTo) {
    options_.failures_max = 2;
    replicator_->set_options(options_);
    settle();
    put("d", R"({"source":"a","target":"b"})");
    runner_.fail("a");
    settle();
    auto crashing = view("d");
    EXPECT_EQ(crashing.state, "crashing");
    EXPECT_EQ(crashing.error_count, 1U);
    EXPECT_EQ(crashing.info.object().find("cause")->string(), "network");
    EXPECT_EQ(member("d", "_replication_state"), "none");
    test_.loop.advance(Millis(30'000));
    EXPECT_EQ(running(), "a ");
    runner_.fail("a");
    settle();
    EXPECT_EQ(member("d", "_replication_state"), "failed");
    EXPECT_EQ(member("d", "_replication_state_reason"), "service unavailable: no answer");
    auto failed = view("d");
    EXPECT_EQ(failed.state, "failed");
    EXPECT_EQ(failed.error_count, 1U);
    EXPECT_EQ(json::to_text(failed.info), R"({"error":"service unavailable: no answer"})");
}

TEST_F(ReplicatorTest, MalformedAndDuplicateDocumentsFail) {
    put("bad", R"({"source":"a"})");
    EXPECT_EQ(member("bad", "_replication_state"), "failed");
    EXPECT_EQ(member("bad", "_replication_state_reason"), "Missing replicator database");
    put("one", R"({"source":"a","target":"b"})");
    put("two", R"({"source":"a","target":"b"})");
    EXPECT_EQ(member("two", "_replication_state"), "failed");
    EXPECT_EQ(member("two", "_replication_state_reason"),
              "Replication `a` specified by document `two` already started, triggered by document `one` from "
              "db `_replicator`");
    EXPECT_EQ(running(), "a ");
    EXPECT_EQ(member("one", "_replication_state"), "none");
    EXPECT_EQ(test_.metrics.value(telemetry::Metric::replicator_docs_failed), 2);
}

TEST_F(ReplicatorTest, FiltersThatCannotBeReadAreTriedAgain) {
    identify_error_ = Error(ErrorCode::not_found, "missing");
    put("d", R"({"source":"a","target":"b","filter":"d/f"})");
    EXPECT_EQ(view("d").state, "error");
    EXPECT_EQ(json::to_text(view("d").info), R"({"error":"not_found: missing"})");
    EXPECT_EQ(generation("d"), "1");
    test_.loop.advance(Millis(30'000));
    EXPECT_EQ(view("d").error_count, 2U);
    identify_error_.reset();
    test_.loop.advance(Millis(60'000));
    EXPECT_EQ(view("d").state, "running");
    EXPECT_EQ(running(), "a ");
    // Another function is another replication.
    filter_source_ = "2";
    test_.loop.advance(Millis(120'000));
    EXPECT_EQ(running(), "a2 ");
    remove("d");
    auto before = identified_;
    test_.loop.advance(Millis(600'000));
    EXPECT_EQ(identified_, before);
}

TEST_F(ReplicatorTest, DocumentsAreToldMoreIfAsked) {
    ASSERT_TRUE(test_.config->set("replicator", "update_docs", "true", false).ok());
    put("d", R"({"source":"a","target":"b","continuous":true})");
    EXPECT_EQ(member("d", "_replication_state"), "triggered");
    EXPECT_EQ(member("d", "_replication_id"), "a+continuous");
    EXPECT_EQ(runner_.starts, 1U);
    ASSERT_TRUE(test_.config->set("replicator", "update_docs", "false", false).ok());
    end();
    begin();
    EXPECT_EQ(member("d", "_replication_state"), "none");
    EXPECT_EQ(member("d", "_replication_id"), "none");
    EXPECT_EQ(running(), "a+continuous ");
}

TEST_F(ReplicatorTest, NotesDoNotGoIntoNewerEdits) {
    put("d", R"({"source":"a","target":"b"})");
    runner_.end("a", SessionResult{});
    // Before the note is written somebody asks for something else.
    put("d", R"({"source":"c","target":"b"})");
    EXPECT_EQ(member("d", "_replication_state"), "none");
    EXPECT_EQ(running(), "c ");
}

TEST_F(ReplicatorTest, RequestsWaitForTheirEnd) {
    auto first = ask(R"({"source":"a","target":"b"})");
    auto second = ask(R"({"source":"a","target":"b"})");
    EXPECT_EQ(answer(first), "waits");
    EXPECT_EQ(runner_.starts, 1U);
    second.reset(); // who goes stops nothing
    runner_.end("a", SessionResult{});
    settle();
    EXPECT_TRUE(answer(first).starts_with("200 {\"ok\":true"));
    auto failing = ask(R"({"source":"a","target":"b"})");
    runner_.fail("a");
    settle();
    EXPECT_EQ(answer(failing), "500 no answer");
    EXPECT_EQ(answer(ask(R"({"source":"a"})")), "400 Missing replicator database");
    EXPECT_EQ(answer(ask(R"({"source":"a","target":"b","query_params":{"x":1}})")),
              "400 x value must be a string.");
    identify_error_ = Error(ErrorCode::not_found, "missing");
    EXPECT_EQ(answer(ask(R"({"source":"a","target":"b","filter":"d/f"})")), "404 missing");
}

TEST_F(ReplicatorTest, ContinuousRequestsAreCancelled) {
    EXPECT_EQ(answer(ask(R"({"source":"a","target":"b","continuous":true})")),
              R"(202 {"ok":true,"_local_id":"a+continuous"})");
    EXPECT_EQ(answer(ask(R"({"source":"a","target":"b","continuous":true,"cancel":true})", {"joe", {}, ""})),
              "401 You are not a server admin.");
    EXPECT_EQ(answer(ask(R"({"source":"a","target":"b","continuous":true,"cancel":true})")),
              R"(200 {"ok":true,"_local_id":"a+continuous"})");
    EXPECT_EQ(running(), "");
    EXPECT_EQ(answer(ask(R"({"cancel":true,"replication_id":"a+continuous"})")), "404 missing");
    EXPECT_EQ(answer(ask(R"({"cancel":true})")), "400 Missing replicator database");
    auto waiting = ask(R"({"source":"a","target":"b"})");
    EXPECT_EQ(answer(ask(R"({"cancel":true,"replication_id":"a"})")), R"(200 {"ok":true,"_local_id":"a"})");
    settle();
    EXPECT_EQ(answer(waiting), "503 The replication was cancelled.");
}

TEST_F(ReplicatorTest, StopEndsThoseWhoWait) {
    auto waiting = ask(R"({"source":"a","target":"b"})");
    put("d", R"({"source":"c","target":"b"})");
    end();
    EXPECT_EQ(answer(waiting), "503 The replication was cancelled.");
    EXPECT_EQ(member("d", "_replication_state"), "none");
    EXPECT_EQ(test_.loop.timer_count(), 0U);
    begin();
}

} // namespace
} // namespace divan::replication
