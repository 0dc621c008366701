// Texts of documents against what heads, trees and bodies give, for documents of every kind.

#include "db/document_scan.h"
#include "db/document_text.h"
#include "db/store.h"
#include "kv/memory/memory_engine.h"
#include "kv/rocksdb/rocksdb_engine.h"
#include "kv/testing/temporary_directory.h"
#include "json/parser.h"
#include "json/writer.h"

#include <algorithm>
#include <future>
#include <gtest/gtest.h>
#include <random>
#include <thread>

namespace divan::db {
namespace {

// What a head, its tree and its body make.
std::optional<std::string> expected_text(Database &database, const std::string &id,
                                         const TextOptions &options) {
    auto head = database.head(id).value();
    if (!head || head->deleted)
        return std::nullopt;
    auto leaves = database.tree(*head)->leaves();
    auto body = database.body(*head, leaves.front().rev, leaves.front().info).value();
    EXPECT_TRUE(body) << id;
    if (options.local_sequence || options.conflicts || options.deleted_conflicts) {
        std::string text;
        begin_document_text(text, id, leaves.front().rev, body->json, false);
        if (options.local_sequence)
            text.append(",\"_local_seq\":").append(std::to_string(head->sequence.value));
        if (options.conflicts)
            append_other_leaves(text, "_conflicts", leaves, false);
        if (options.deleted_conflicts)
            append_other_leaves(text, "_deleted_conflicts", leaves, true);
        append_attachment_stubs(text, *body);
        return text + "}";
    }
    return document_text(id, head->rev, *body, false);
}

class DocumentScanTest : public testing::Test {
  protected:
    void SetUp() override { open(kv::make_memory_engine()); }
    void TearDown() override { close(); }

    void open(std::unique_ptr<kv::Engine> engine) {
        close();
        engine_ = std::move(engine);
        store_ = open_store({*engine_, pool_, clock_, random_}, {}).value();
        database_ = store_->create("db", {}).value();
    }

    void close() {
        database_.reset();
        store_.reset();
        engine_.reset();
    }

    Result<Written> write(Edit edit) {
        std::promise<std::vector<Result<Written>>> promise;
        std::vector<Edit> edits;
        edits.push_back(std::move(edit));
        database_->write(std::move(edits), WriteContext::system(),
                         [&](auto answers) { promise.set_value(std::move(answers)); });
        return promise.get_future().get().front();
    }

    std::size_t choose(std::size_t count) { return choice_() % count; }

    // Names that sort around each other, design documents, and what JSON escapes.
    std::string random_id() {
        static const std::vector<std::string> names{"a",        "a\x01",     "A", "\"q\"",
                                                    "\xc3\xa9", "_design/d", "zz"};
        auto id = names[choose(names.size())];
        return choose(2) == 0 ? id : id + std::to_string(choose(20));
    }

    // In its head, in a row, and in several rows.
    std::string random_json() {
        static const std::vector<std::size_t> sizes{0, 1, 100, 4'050, 4'200, 20'000, 600'000};
        auto size = sizes[choose(choose(20) == 0 ? sizes.size() : 6)];
        return choose(8) == 0
                   ? "{}"
                   : R"({"value":")" + std::string(size, static_cast<char>('a' + choose(26))) + "\"}";
    }

    void edit_randomly() {
        Edit edit;
        edit.id = random_id();
        edit.json = random_json();
        edit.deleted = choose(6) == 0;
        auto head = database_->head(edit.id).value();
        if (choose(4) == 0) {
            // A branch, mostly at the height of the winner.
            auto generation = head ? std::max<std::uint64_t>(1, head->rev.generation - choose(2)) : 1;
            edit.path = doc::RevPath{generation, {doc::RevHash::from_bytes(random_.bytes(16))}};
            if (head && head->recent.size() > 1 && generation == head->rev.generation)
                edit.path->hashes.push_back(head->recent[1].rev.hash);
        } else if (head && !head->deleted) {
            edit.parent = head->rev;
        } else {
            edit.deleted = false;
        }
        std::unique_ptr<AttachmentUpload> upload;
        if (!edit.deleted && choose(4) == 0) {
            upload = database_->upload().value();
            ASSERT_TRUE(upload->write("bytes of \"it\"").ok());
            edit.attachments.push_back(
                {"name \"x\"", "text/plain", upload->finish(Encoding::identity, 13).value(), {}});
        }
        ASSERT_TRUE(write(std::move(edit)).ok());
    }

    void compact() {
        ASSERT_TRUE(database_->start_compaction().ok());
        while (database_->info()->compact_running)
            std::this_thread::yield();
    }

    void purge_one() {
        auto id = random_id();
        if (auto head = database_->head(id).value())
            ASSERT_TRUE(database_->purge({{id, {head->rev}}}).ok());
    }

    TextOptions random_options() {
        return {.local_sequence = choose(3) == 0,
                .conflicts = choose(2) == 0,
                .deleted_conflicts = choose(3) == 0};
    }

    std::vector<std::string> all_ids() {
        std::vector<std::string> ids;
        for (const auto &head : database_->scan_heads({.with_deleted = true}).value().heads)
            ids.push_back(head.id);
        return ids;
    }

    void check_texts();
    void check_scan();
    void check_random_documents();

    kv::TemporaryDirectory directory_;
    ThreadPool pool_{2};
    ManualClock clock_;
    SeededRandom random_{1};
    std::mt19937 choice_{7};
    std::unique_ptr<kv::Engine> engine_;
    std::unique_ptr<Store> store_;
    std::shared_ptr<Database> database_;
};

void DocumentScanTest::check_texts() {
    std::vector<std::string> ids = all_ids();
    for (int i = 0; i < 3; ++i)
        ids.insert(ids.begin() + static_cast<std::ptrdiff_t>(choose(ids.size() + 1)),
                   choose(2) == 0 ? "missing" : ids[choose(ids.size())]);
    auto options = random_options();
    auto bytes_max = choose(2) == 0 ? kPageBytesMax : choose(30'000);
    std::size_t at = 0;
    while (at < ids.size()) {
        auto texts = database_->texts(std::span(ids).subspan(at), options, bytes_max).value();
        ASSERT_GT(texts.size(), 0u);
        ASSERT_LE(texts.size(), ids.size() - at);
        std::size_t bytes = 0;
        for (const auto &text : texts) {
            ASSERT_LE(bytes, bytes_max) << "the page goes on behind the text that went beyond";
            ASSERT_EQ(text, expected_text(*database_, ids[at], options)) << ids[at];
            bytes += text ? text->size() : 0;
            ++at;
        }
    }
}

// Without what may be missing.
std::string comparable(std::string_view text, const TextOptions &options) {
    if (!options.plain_members)
        return std::string(text);
    auto document = json::parse(text).value();
    for (const char *name : {"_id", "_rev", "_attachments"})
        document.object().erase(name);
    return json::to_text(document);
}

void DocumentScanTest::check_scan() {
    DocumentScan scan;
    scan.begin = choose(2) == 0 ? "" : random_id();
    if (choose(2) == 0)
        scan.end = random_id();
    scan.reverse = choose(2) == 0;
    scan.design_documents = choose(2) == 0;
    scan.text = random_options();
    scan.documents_max = 1 + choose(choose(2) == 0 ? 5 : 1'000);
    scan.rows_max = 1 + choose(choose(2) == 0 ? 10 : 1'000);
    scan.page_rows_max = 1 + choose(choose(2) == 0 ? 4 : 1'000);
    scan.page_bytes_max = choose(2) == 0 ? 1 + choose(30'000) : kPageBytesMax;
    if (choose(4) == 0)
        scan.text_bytes_max = choose(30'000);
    scan.text.plain_members = choose(2) == 0;

    std::vector<std::pair<std::string, std::string>> expected;
    for (const auto &id : all_ids()) {
        bool in_range = id >= scan.begin && (!scan.end || id < *scan.end);
        if (!in_range || (!scan.design_documents && id.starts_with("_design/")))
            continue;
        if (auto text = expected_text(*database_, id, scan.text))
            expected.emplace_back(id, comparable(*text, scan.text));
    }
    if (scan.reverse)
        std::reverse(expected.begin(), expected.end());

    std::vector<std::pair<std::string, std::string>> found;
    for (std::size_t calls = 0;; ++calls) {
        ASSERT_LT(calls, 1'000u) << "no end";
        std::size_t visits = 0;
        bool stop = choose(4) == 0;
        std::size_t text_bytes = 0;
        auto end = database_->scan_documents(scan, [&](std::string_view id, std::string_view text) {
            EXPECT_LE(text_bytes, scan.text_bytes_max);
            text_bytes += text.size();
            found.emplace_back(id, comparable(text, scan.text));
            return !(stop && ++visits == 2);
        });
        ASSERT_TRUE(end.ok()) << end.error().reason();
        ASSERT_LE(end->documents, scan.documents_max);
        ASSERT_LE(end->rows, scan.rows_max);
        if (end->exhausted)
            break;
        ASSERT_GT(end->rows, 0u);
        if (scan.reverse)
            scan.end = end->last_id;
        else
            scan.begin = end->last_id + '\0';
    }
    ASSERT_EQ(found, expected);
}

void DocumentScanTest::check_random_documents() {
    for (int round = 0; round < 30; ++round) {
        for (int i = 0; i < 20; ++i)
            edit_randomly();
        if (round % 5 == 4)
            compact();
        if (round % 3 == 2)
            purge_one();
        for (int i = 0; i < 4 && !HasFatalFailure(); ++i) {
            check_texts();
            check_scan();
        }
        if (HasFatalFailure())
            return;
    }
}

TEST_F(DocumentScanTest, TextsAreWhatHeadsTreesAndBodiesGive) {
    check_random_documents();
}

TEST_F(DocumentScanTest, TheSameOnRocksDb) {
    open(kv::open_rocksdb_engine(
             {.directory = directory_.path() / "engine", .memory_bytes_max = 32 << 20, .clock = &clock_})
             .value());
    check_random_documents();
}

TEST_F(DocumentScanTest, AnEmptyRangeIsExhausted) {
    auto never = [](std::string_view, std::string_view) {
        ADD_FAILURE() << "visited";
        return true;
    };
    EXPECT_TRUE(database_->scan_documents({}, never)->exhausted);
    ASSERT_TRUE(write({.id = "b"}).ok());
    auto end = database_->scan_documents({.begin = "b", .end = "b"}, never).value();
    EXPECT_TRUE(end.exhausted);
    EXPECT_EQ(end.last_id, "");
    EXPECT_TRUE(database_->scan_documents({.begin = "c", .end = "a"}, never)->exhausted);
    EXPECT_TRUE(database_->scan_documents({.begin = "c"}, never)->exhausted);
}

TEST_F(DocumentScanTest, AVisitorMayEndIt) {
    for (const auto *id : {"a", "b", "c"})
        ASSERT_TRUE(write({.id = id}).ok());
    auto end = database_->scan_documents({}, [](std::string_view id, std::string_view) { return id != "b"; })
                   .value();
    EXPECT_EQ(end.last_id, "b");
    EXPECT_EQ(end.documents, 2u);
    EXPECT_EQ(end.rows, 2u);
    EXPECT_FALSE(end.exhausted);
}

TEST_F(DocumentScanTest, DeletedDatabasesHaveNoDocuments) {
    ASSERT_TRUE(write({.id = "a"}).ok());
    ASSERT_TRUE(store_->erase("db").ok());
    EXPECT_EQ(database_->scan_documents({}, [](auto, auto) { return true; }).error().code(),
              ErrorCode::not_found);
    std::vector<std::string> ids{"a"};
    EXPECT_EQ(database_->texts(ids).error().code(), ErrorCode::not_found);
}

} // namespace
} // namespace divan::db
