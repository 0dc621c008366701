#include "db/store.h"
#include "db/visibility.h"
#include "kv/memory/memory_engine.h"
#include "kv/testing/counting_engine.h"

#include <future>
#include <gtest/gtest.h>

namespace divan::db {
namespace {

// Shows what says "open".
class OpenOnly final : public Visibility {
  public:
    bool shows(std::string_view, std::string_view json) const override {
        return json.find("\"open\"") != std::string_view::npos;
    }
    void append_sealed(std::string &out, std::string_view token) const override {
        out.append("sealed ").append(token);
    }
    std::optional<std::string> unseal(std::string_view sealed) const override {
        if (!sealed.starts_with("sealed "))
            return std::nullopt;
        return std::string(sealed.substr(7));
    }
    const std::string &digest() const override { return digest_; }
    bool hides_documents() const override { return true; }
    bool is_open_view(std::string_view) const override { return false; }
    bool hides_fields() const override { return false; }
    bool hides_field(std::span<const std::string>) const override { return false; }
    bool is_fieldless_view(std::string_view) const override { return false; }
    std::optional<std::string> shown_text(std::string_view, std::string_view, bool) const override {
        return std::nullopt;
    }

  private:
    std::string digest_ = "d";
};

// Shows all documents with another word for "secret"; of a tombstone it says so.
class OtherWord final : public Visibility {
  public:
    bool hides_documents() const override { return false; }
    bool shows(std::string_view, std::string_view) const override {
        ADD_FAILURE() << "asked, although all are shown";
        return true;
    }
    void append_sealed(std::string &out, std::string_view token) const override { out.append(token); }
    std::optional<std::string> unseal(std::string_view sealed) const override { return std::string(sealed); }
    const std::string &digest() const override { return digest_; }
    bool is_open_view(std::string_view) const override { return false; }
    bool hides_fields() const override { return true; }
    bool hides_field(std::span<const std::string>) const override { return true; }
    bool is_fieldless_view(std::string_view) const override { return false; }
    std::optional<std::string> shown_text(std::string_view, std::string_view json,
                                          bool deleted) const override {
        std::string text(json);
        auto at = text.find("secret");
        if (at == std::string::npos)
            return std::nullopt;
        return text.replace(at, 6, deleted ? "gone" : "word");
    }

  private:
    std::string digest_ = "o";
};

class ShownTest : public testing::Test {
  protected:
    ShownTest() {
        put("a", R"({"open":1})");
        put("b", R"({"hidden":1})");
        put("c", R"({"open":2})");
        put("_design/d", "{}");
    }
    void TearDown() override { pool_.stop(); }

    doc::RevId put(const std::string &id, const std::string &json, std::optional<doc::RevId> parent = {},
                   bool deleted = false) {
        Edit edit;
        edit.id = id;
        edit.json = json;
        edit.parent = std::move(parent);
        edit.deleted = deleted;
        return write(std::move(edit), database_);
    }

    // A revision 2-HASH of a document that has nothing below it.
    void replicate(const std::string &id, const std::string &hash, const std::string &json) {
        Edit edit;
        edit.id = id;
        edit.json = json;
        edit.path = doc::RevPath{2, {doc::RevHash::from_text(hash), doc::RevHash::from_text("1")}};
        write(std::move(edit), database_);
    }

    doc::RevId write(Edit edit, const std::shared_ptr<Database> &through) {
        std::promise<Result<Written>> promise;
        std::vector<Edit> edits;
        edits.push_back(std::move(edit));
        through->write(std::move(edits), WriteContext::system(),
                       [&](auto answers) { promise.set_value(std::move(answers.front())); });
        return promise.get_future().get().value().rev;
    }

    std::string listed(bool reverse = false) {
        std::string ids;
        for (const auto &head : shown_->scan_heads({.reverse = reverse}).value().heads)
            ids += head.id + " ";
        return ids;
    }

    std::string feed(kv::Sequence since = {}) {
        std::string ids;
        for (const auto &change : shown_->changes({.since = since}).value().changes)
            ids += change.id + (change.deleted ? "- " : " ");
        return ids;
    }

    // Rows that reading a head takes.
    std::uint64_t cost_of_head(const std::string &id) {
        auto before = engine_.calls();
        EXPECT_TRUE(shown_->head(id).ok());
        return (engine_.calls() - before).read_keys;
    }

    std::unique_ptr<kv::Engine> memory_ = kv::make_memory_engine();
    kv::CountingEngine engine_{*memory_};
    ThreadPool pool_{2};
    ManualClock clock_;
    SeededRandom random_{1};
    std::unique_ptr<Store> store_ = open_store({engine_, pool_, clock_, random_}, {}).value();
    std::shared_ptr<Database> database_ = store_->create("db", {}).value();
    std::shared_ptr<Database> shown_ = Database::shown_by(database_, std::make_shared<const OpenOnly>());
};

TEST_F(ShownTest, HiddenDocumentsAreNotThere) {
    EXPECT_TRUE(shown_->head("a").value());
    EXPECT_FALSE(shown_->head("b").value());
    EXPECT_TRUE(shown_->head("_design/d").value());
    Result<std::optional<Head>> cached = std::optional<Head>();
    ASSERT_TRUE(shown_->head_cached("a", cached));
    EXPECT_TRUE(cached.value());
    ASSERT_TRUE(shown_->head_cached("b", cached));
    EXPECT_FALSE(cached.value());
    std::vector<std::string> ids{"a", "b", "c"};
    auto heads = shown_->heads(ids).value();
    EXPECT_TRUE(heads[0] && !heads[1] && heads[2]);
    auto texts = shown_->texts(ids).value();
    EXPECT_TRUE(texts[0] && !texts[1] && texts[2]);
    EXPECT_EQ(listed(), "_design/d a c ");
    EXPECT_EQ(listed(true), "c a _design/d ");
    std::string scanned;
    auto visit = [&](std::string_view id, std::string_view) {
        scanned.append(id).append(" ");
        return true;
    };
    EXPECT_EQ(shown_->scan_documents({.documents_max = 2}, visit).value().documents, 2u);
    EXPECT_EQ(scanned, "_design/d a ");
    auto page = shown_->scan_heads({.begin = "b", .rows_max = 1}).value();
    EXPECT_TRUE(page.heads.empty() && page.more && page.last_id == "b") << "goes on behind what is hidden";
    EXPECT_EQ(shown_->revs_diff({{"b", {doc::RevId{1, {}}}}}).value().at("b").possible_ancestors.size(), 0u);
    EXPECT_EQ(whole(shown_), database_);
    EXPECT_EQ(whole(database_), database_);
    EXPECT_TRUE(whole(shown_)->head("b").value());
}

TEST_F(ShownTest, CountsAreOfWhatIsShown) {
    auto counts = shown_->counts().value();
    EXPECT_EQ(counts.documents, 3u);
    EXPECT_EQ(counts.design_documents, 1u);
    auto info = shown_->info().value();
    EXPECT_EQ(info.document_count, 3u);
    EXPECT_EQ(info.file_bytes + info.active_bytes + info.external_bytes, 0u);
    EXPECT_TRUE(info.update_seq.starts_with("sealed ")) << info.update_seq;
    put("e", R"({"open":3})");
    EXPECT_EQ(shown_->counts().value().documents, 4u) << "what was counted before is no longer true";
    put("e2", R"({"hidden":3})");
    EXPECT_EQ(shown_->counts().value().documents, 4u);
    EXPECT_EQ(shown_->count_before("c", false, 100).value(), std::nullopt);
    EXPECT_EQ(shown_->pending({}).value(), 4u);
    EXPECT_FALSE(shown_->scan_local("", {}, false, 10).ok());
    EXPECT_FALSE(shown_->purge_infos().ok());
}

TEST_F(ShownTest, ChangesGoOnBehindHiddenOnes) {
    EXPECT_EQ(feed(), "a c _design/d ");
    auto page = shown_->changes({.since = kv::Sequence(1), .rows_max = 1}).value();
    EXPECT_TRUE(page.changes.empty());
    EXPECT_TRUE(page.more);
    EXPECT_EQ(page.last, kv::Sequence(2));
    auto token = shown_->sequence_token(kv::Sequence(2));
    EXPECT_EQ(shown_->since(token, kv::Sequence(4)).value(), kv::Sequence(2));
    EXPECT_EQ(shown_->since("now", kv::Sequence(4)).value(), kv::Sequence(4));
    for (const auto &other : {database_->sequence_token(kv::Sequence(2)), std::string("3"), std::string("0")})
        EXPECT_EQ(shown_->since(other, kv::Sequence(4)).value(), kv::Sequence(0)) << other;
}

TEST_F(ShownTest, DeletionsAreToldOfWhatWasShown) {
    for (const auto *id : {"a", "b"})
        put(id, "{}", database_->head(id).value()->rev, true);
    EXPECT_EQ(feed(kv::Sequence(4)), "a- ");
    EXPECT_TRUE(shown_->head("a").value()->deleted);
    EXPECT_FALSE(shown_->head("b").value());
    // One that says something is judged by the revision before it all the same.
    put("c", R"({"hidden":1})", database_->head("c").value()->rev, true);
    EXPECT_EQ(feed(kv::Sequence(6)), "c- ");
    Edit alone;
    alone.id = "alone";
    alone.deleted = true;
    alone.path = doc::RevPath{2, {doc::RevHash::from_text("2"), doc::RevHash::from_text("1")}};
    write(std::move(alone), database_);
    EXPECT_FALSE(shown_->head("alone").value()) << "a tombstone that says nothing of what was there";
}

TEST_F(ShownTest, EachRevisionByItsOwnBody) {
    auto first = put("e", R"({"hidden":1})");
    put("e", R"({"open":1})", first);
    auto head = shown_->head("e").value();
    ASSERT_TRUE(head);
    auto tree = shown_->tree(*head).value();
    EXPECT_TRUE(shown_->body(*head, head->rev, *tree.find(head->rev)).value());
    EXPECT_FALSE(shown_->body(*head, first, *tree.find(first)).value());
    // Of branches those that are shown.
    replicate("f", "f", R"({"open":1})");
    replicate("f", "a", R"({"hidden":1})");
    head = shown_->head("f").value();
    ASSERT_TRUE(head);
    EXPECT_EQ(shown_->tree(*head).value().leaves().size(), 1u);
    EXPECT_EQ(database_->tree(*head).value().leaves().size(), 2u);
    auto page = shown_->changes({.since = kv::Sequence(6)}).value();
    ASSERT_EQ(page.changes.size(), 1u);
    EXPECT_EQ(page.changes.front().leaves.size(), 1u);
    // By the winner, if that is hidden.
    replicate("g", "a", R"({"open":1})");
    replicate("g", "f", R"({"hidden":1})");
    EXPECT_FALSE(shown_->head("g").value());
}

// The time of a 404 does not tell of a document that is large and hidden.
TEST_F(ShownTest, LargeBodiesAreJudgedOnce) {
    const std::string large(100'000, 'x');
    auto first = put("large", "{\"hidden\":\"" + large + "\"}");
    EXPECT_GT(cost_of_head("large"), 1u);
    EXPECT_EQ(cost_of_head("large"), cost_of_head("missing"));
    Result<std::optional<Head>> cached = std::optional<Head>();
    EXPECT_TRUE(shown_->head_cached("large", cached)) << "on the thread that answers for a missing one, too";
    EXPECT_FALSE(cached.value());
    EXPECT_FALSE(shown_->head("large").value());
    put("large", "{\"open\":\"" + large + "\"}", first);
    auto head = shown_->head("large").value();
    ASSERT_TRUE(head) << "another state is judged anew";
    EXPECT_TRUE(shown_->body(*head).value());
    head = shown_->head("large").value();
    ASSERT_TRUE(head);
    EXPECT_EQ(shown_->body(*head).value()->json.size(), large.size() + 11);
}

TEST_F(ShownTest, EveryReadHasTheShownText) {
    auto shown = Database::shown_by(database_, std::make_shared<const OtherWord>());
    auto first = put("e", R"({"w":"secret 1"})");
    auto second = put("e", R"({"w":"secret 2"})", first);
    const std::string large = "secret " + std::string(100'000, 'x');
    put("large", "{\"w\":\"" + large + "\"}");
    auto head = shown->head("e").value();
    ASSERT_TRUE(head && head->body);
    EXPECT_EQ(head->body->json, R"({"w":"word 2"})");
    EXPECT_EQ(shown->body(*head).value()->json, R"({"w":"word 2"})");
    auto tree = shown->tree(*head).value();
    EXPECT_EQ(shown->body(*head, first, *tree.find(first)).value()->json, R"({"w":"word 1"})");
    Result<std::optional<Head>> cached = std::optional<Head>();
    ASSERT_TRUE(shown->head_cached("e", cached));
    EXPECT_EQ(cached.value()->body->json, R"({"w":"word 2"})");
    std::vector<std::string> ids{"e", "large"};
    for (const auto &each : shown->heads(ids, {.bodies = true, .trees = true, .leaves = true}).value())
        EXPECT_EQ(shown->body(*each).value()->json.find("secret"), std::string::npos);
    for (const auto &each : shown->heads(ids).value())
        EXPECT_EQ(shown->body(*each).value()->json.find("secret"), std::string::npos);
    for (const auto &text : shown->texts(ids).value())
        EXPECT_NE(text->find("word"), std::string::npos);
    for (bool plain : {false, true}) {
        auto visit = [&](std::string_view id, std::string_view text) {
            EXPECT_EQ(text.find("secret"), std::string_view::npos) << id;
            return true;
        };
        EXPECT_TRUE(shown->scan_documents({.text = {.plain_members = plain}}, visit).ok());
    }
    put("e", R"({"w":"secret 3"})", second, true);
    head = shown->head("e").value();
    EXPECT_EQ(shown->body(*head).value()->json, R"({"w":"gone 3"})");
    EXPECT_EQ(shown->counts().value().documents, database_->counts().value().documents);
    EXPECT_EQ(shown->info().value().external_bytes, 0u) << "how much is hidden is not told";
    EXPECT_NE(whole(shown)->head("large").value(), std::nullopt);
}

TEST_F(ShownTest, WritesGoThrough) {
    Edit edit;
    edit.id = "new";
    edit.json = R"({"hidden":1})";
    write(std::move(edit), shown_);
    EXPECT_FALSE(shown_->head("new").value());
    EXPECT_TRUE(database_->head("new").value());
}

} // namespace
} // namespace divan::db
