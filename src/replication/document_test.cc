#include "db/store.h"
#include "db/testing_validator.h"
#include "kv/memory/memory_engine.h"
#include "replication/document.h"
#include "replication/document_guard.h"
#include "replication/testing_context.h"
#include "json/parser.h"
#include "json/writer.h"

namespace divan::replication {
namespace {

json::Object object(std::string_view text) {
    return json::parse(text).value().object();
}

TEST(Document, NamesOfDatabases) {
    for (const char *name : {"_replicator", "x/_replicator", "a/b/_replicator"})
        EXPECT_TRUE(is_replicator_database(name)) << name;
    for (const char *name : {"replicator", "x_replicator", "_replicator/x", "_users"})
        EXPECT_FALSE(is_replicator_database(name)) << name;
}

TEST(Document, RightsAreThoseOfTheOwnerOrTheContext) {
    auto config = config::Config::load({}, "").value();
    ASSERT_TRUE(config->set("admins", "anna", "x", false).ok());
    auto principal = [&](const std::string &members) {
        auto read = read_document(object(R"({"source":"a","target":"b")" + members + "}"), *config,
                                  "_replicator", "d")
                        .value()
                        .principal;
        return read.name + (read.is_server_admin() ? " admin" : "") + (read.anonymous() ? "nobody" : "");
    };
    EXPECT_EQ(principal(""), "nobody");
    EXPECT_EQ(principal(R"(,"owner":"anna")"), "anna admin");
    EXPECT_EQ(principal(R"(,"owner":"bob")"), "bob");
    EXPECT_EQ(principal(R"(,"owner":null)"), "nobody");
    EXPECT_EQ(principal(R"(,"owner":"anna","user_ctx":{"name":"joe","roles":["x"]})"), "joe");
    EXPECT_FALSE(read_document(object(R"({"source":"a","target":"b","user_ctx":1})"), *config, "", "").ok());
}

TEST(Document, NotesAreNoEdits) {
    ManualClock clock;
    auto document = object(R"({"source":"a","target":"b","owner":"anna"})");
    auto essence = document_essence(document);
    DocumentNote note{"completed", std::nullopt, object(R"({"docs_read":1})"), std::nullopt};
    EXPECT_TRUE(apply_note(document, note, clock.now()));
    EXPECT_EQ(json::to_text(document),
              R"({"source":"a","target":"b","owner":"anna","_replication_state":"completed",)"
              R"("_replication_state_time":"2023-11-14T22:13:20Z","_replication_stats":{"docs_read":1}})");
    clock.advance(std::chrono::seconds(1));
    EXPECT_FALSE(apply_note(document, note, clock.now()));
    EXPECT_EQ(document_essence(document), essence);
    EXPECT_TRUE(apply_note(document, {"failed", "why", std::nullopt, json::Value("1")}, clock.now()));
    EXPECT_EQ(document_state(document), "failed");
    EXPECT_FALSE(document.contains("_replication_stats"));
    EXPECT_TRUE(apply_note(document, {"", std::nullopt, std::nullopt, json::Value()}, clock.now()));
    EXPECT_EQ(json::to_text(document), R"({"source":"a","target":"b","owner":"anna"})");
}

class GuardTest : public testing::Test {
  protected:
    GuardTest() : store_(db::open_store({*engine_, pool_, clock_, random_, &guard_}, {}).value()) {}

    // The reason, or the document as it is stored.
    std::string write(const std::string &database_name, const std::string &id, const std::string &text,
                      bool replicated = false) {
        auto database = store_->open(database_name);
        if (!database.ok())
            database = store_->create(database_name, {}).value();
        db::Edit edit;
        edit.id = id;
        edit.json = text;
        if (replicated)
            edit.path = doc::RevPath{1, {doc::RevHash::from_text("a")}};
        std::vector<Result<db::Written>> answers;
        ManualLoop waiting;
        std::vector<db::Edit> edits = {edit, edit, edit};
        edits[0].id += "0"; // the others are answered in their places
        edits[0].json = R"({"source":"a","target":"b"})";
        edits[2].id += "2";
        edits[2].json = R"({"source":"a","target":"b"})";
        (*database)->write(
            std::move(edits), db::WriteContext::user(R"({"name":"anna","roles":["_admin"]})"),
            [&](auto written) { waiting.post([&, written = std::move(written)] { answers = written; }); });
        EXPECT_TRUE(waiting.wait_for_post(Millis(10'000)));
        waiting.run_until_idle();
        EXPECT_TRUE(answers.at(0).ok() && answers.at(2).ok());
        if (!answers.at(1).ok())
            return std::string(answers[1].error().word()) + ": " + answers[1].error().reason();
        return (*(*database)->head(id))->body->json;
    }

    ThreadPool pool_{2};
    ManualClock clock_;
    SeededRandom random_{1};
    std::unique_ptr<config::Config> config_ = config::Config::load({}, "").value();
    std::unique_ptr<kv::Engine> engine_ = kv::make_memory_engine();
    db::NoValidator none_;
    DocumentGuard guard_{none_, *config_};
    std::unique_ptr<db::Store> store_;
};

TEST_F(GuardTest, FillsTheOwnerAndRefusesWhatIsNoReplication) {
    EXPECT_EQ(write("_replicator", "a", R"({"source":"a","target":"b"})"),
              R"({"source":"a","target":"b","owner":"anna"})");
    EXPECT_EQ(write("x/_replicator", "b", R"({"source":"a","target":"b","owner":"joe"})"),
              R"({"source":"a","target":"b","owner":"joe"})");
    EXPECT_EQ(write("_replicator", "c", R"({"source":"a"})"), "forbidden: Missing replicator database");
    EXPECT_EQ(write("_replicator", "d", R"({"source":"a","target":"b","doc_ids":1})"),
              "forbidden: parameter `doc_ids` must be an array");
    EXPECT_EQ(write("_replicator", "e", R"({"source":"a","_replication_state":"failed"})"),
              R"({"source":"a","_replication_state":"failed","owner":"anna"})");
    EXPECT_EQ(write("_replicator", "_design/x", "{}"), "{}");
    EXPECT_EQ(write("_replicator", "f", "{}", true), "{}");
    EXPECT_EQ(write("other", "a", R"({"source":1})"), R"({"source":1})");
}

} // namespace
} // namespace divan::replication
