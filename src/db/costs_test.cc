// What reads of a database cost, in rows and blocks. docs/costs.md names these tests.

#include "db/store.h"
#include "kv/memory/memory_engine.h"
#include "kv/rocksdb/rocksdb_engine.h"
#include "kv/testing/counting_engine.h"
#include "kv/testing/temporary_directory.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <future>
#include <gtest/gtest.h>
#include <numeric>
#include <random>
#include <set>

namespace divan::db {
namespace {

constexpr std::size_t kEditsPerWrite = 1'000;
constexpr kv::ShardId kShard{1}; // of the first database

// A database on a counting engine, filled through write().
class CostsTest : public testing::Test {
  protected:
    void SetUp() override { open(kv::make_memory_engine()); }
    void TearDown() override { close(); }

    void open(std::unique_ptr<kv::Engine> engine) {
        close();
        engine_ = std::move(engine);
        counting_ = std::make_unique<kv::CountingEngine>(*engine_);
        store_ = open_store({*counting_, pool_, clock_, random_}, {}).value();
        auto opened = store_->open("db");
        database_ = opened.ok() ? *opened : store_->create("db", {}).value();
    }

    void close() {
        database_.reset();
        store_.reset();
        counting_.reset();
        engine_.reset();
    }

    // Opens the directory anew, with an empty cache.
    void open_rocksdb() {
        close(); // one engine at a time
        open(kv::open_rocksdb_engine(
                 {.directory = directory_.path() / "engine", .memory_bytes_max = 32 << 20, .clock = &clock_})
                 .value());
    }

    // Edits the documents with these numbers, each at its newest revision.
    void edit(const std::vector<std::size_t> &numbers) {
        std::vector<Edit> edits;
        for (auto number : numbers) {
            Edit edit;
            edit.id = id(number);
            edit.json = R"({"value":1})";
            if (auto known = revs_.find(number); known != revs_.end())
                edit.parent = known->second;
            edits.push_back(std::move(edit));
        }
        std::promise<std::vector<Result<Written>>> promise;
        database_->write(std::move(edits), WriteContext::system(),
                         [&](auto answers) { promise.set_value(std::move(answers)); });
        auto answers = promise.get_future().get();
        for (std::size_t i = 0; i < numbers.size(); ++i) {
            revs_[numbers[i]] = answers[i].value().rev;
            newest_[numbers[i]] = ++edit_count_;
        }
    }

    // A new revision with such a value.
    void replace(const std::string &document, const std::string &value) {
        Edit edit;
        edit.id = document;
        edit.json = R"({"value":")" + value + "\"}";
        edit.parent = database_->head(document).value()->rev;
        write_one(std::move(edit));
    }

    // A conflict.
    void branch(const std::string &document) {
        Edit edit;
        edit.id = document;
        edit.path = doc::RevPath{1, {doc::RevHash::from_text("branch")}};
        write_one(std::move(edit));
    }

    void write_one(Edit edit) {
        std::promise<bool> written;
        database_->write({std::move(edit)}, WriteContext::system(),
                         [&](auto answers) { written.set_value(answers.front().ok()); });
        ASSERT_TRUE(written.get_future().get());
    }

    void fill(std::size_t count) {
        for (std::size_t begin = 0; begin < count; begin += kEditsPerWrite) {
            std::vector<std::size_t> numbers;
            for (auto number = begin; number < std::min(count, begin + kEditsPerWrite); ++number)
                numbers.push_back(number);
            edit(numbers);
        }
    }

    static std::string id(std::size_t number) {
        auto digits = std::to_string(number);
        return "d" + std::string(7 - digits.size(), '0') + digits;
    }

    // Sequences at which documents were edited last: what the feed holds.
    std::vector<std::uint64_t> newest_sequences() const {
        std::vector<std::uint64_t> sequences;
        for (const auto &[number, sequence] : newest_)
            sequences.push_back(sequence);
        std::sort(sequences.begin(), sequences.end());
        return sequences;
    }

    kv::TemporaryDirectory directory_;
    ThreadPool pool_{2};
    ManualClock clock_;
    SeededRandom random_{1};
    std::mt19937 choice_{1};
    std::unique_ptr<kv::Engine> engine_;
    std::unique_ptr<kv::CountingEngine> counting_;
    std::unique_ptr<Store> store_;
    std::shared_ptr<Database> database_;
    std::map<std::size_t, doc::RevId> revs_;
    std::map<std::size_t, std::uint64_t> newest_;
    std::uint64_t edit_count_ = 0;
};

TEST_F(CostsTest, PendingOf200000DocumentsTouchesAFewHundredRows) {
    constexpr std::size_t kDocuments = 200'000;
    constexpr std::uint64_t kRowsMax = 400;
    fill(kDocuments);
    // Edits leave gaps, more of them among the newer half.
    for (int round = 0; round < 50; ++round) {
        std::set<std::size_t> numbers;
        while (numbers.size() < kEditsPerWrite)
            numbers.insert(kDocuments / 2 + choice_() % (kDocuments / 2));
        edit({numbers.begin(), numbers.end()});
    }
    auto sequences = newest_sequences();
    std::uint64_t rows_most = 0;
    for (int i = 0; i < 2'000; ++i) {
        auto since = i == 0 ? 0 : i == 1 ? edit_count_ : choice_() % (edit_count_ + 10);
        auto expected = sequences.end() - std::upper_bound(sequences.begin(), sequences.end(), since);
        auto before = counting_->calls();
        ASSERT_EQ(database_->pending(kv::Sequence(since)).value(), static_cast<std::uint64_t>(expected))
            << since;
        auto cost = counting_->calls() - before;
        rows_most = std::max(rows_most, cost.scan_rows);
        ASSERT_LE(cost.scans, 3);
    }
    std::printf("rows read by pending: %llu at most\n", static_cast<unsigned long long>(rows_most));
    EXPECT_LE(rows_most, kRowsMax);
    EXPECT_GT(rows_most, 10) << "nothing was counted";
}

TEST_F(CostsTest, CountBeforeAnIdNeverReadsMoreThanItsBound) {
    constexpr std::size_t kDocuments = 100'000;
    constexpr std::uint64_t kCountMax = 1'000;
    fill(kDocuments);
    for (int i = 0; i < 200; ++i) {
        auto number = i < 20 ? static_cast<std::size_t>(i) * 100 : choice_() % kDocuments;
        for (bool reverse : {false, true}) {
            auto expected = reverse ? kDocuments - 1 - number : number;
            auto before = counting_->calls();
            auto count = database_->count_before(id(number), reverse, kCountMax).value();
            auto rows = (counting_->calls() - before).scan_rows;
            EXPECT_LE(rows, kCountMax + 1);
            EXPECT_EQ(count, expected <= kCountMax ? std::optional<std::uint64_t>(expected) : std::nullopt);
        }
    }
}

TEST_F(CostsTest, TextsTakeOneCallAPageAndOneForWhatLiesOutsideOfHeads) {
    constexpr std::size_t kDocuments = 2'500;
    fill(kDocuments);
    auto scan = [&] {
        auto before = counting_->calls();
        auto end = database_->scan_documents({.text = {.conflicts = true}, .documents_max = 10'000},
                                             [](std::string_view, std::string_view) { return true; });
        EXPECT_TRUE(end->exhausted);
        EXPECT_EQ(end->documents, kDocuments);
        return counting_->calls() - before;
    };
    auto small = scan();
    EXPECT_EQ(small.scans, 3u);
    EXPECT_EQ(small.scan_rows, kDocuments);
    EXPECT_EQ(small.round_trips(), 3u);
    // Large bodies and conflicts, in the first page and the second.
    for (auto number : {3, 5, 500, 1'500, 1'501}) {
        replace(id(number), std::string(10'000, 'x'));
        branch(id(number + 10));
    }
    auto large = scan();
    EXPECT_EQ(large.scans, 3u);
    EXPECT_EQ(large.reads, 4u) << "bodies and trees of two pages";
    EXPECT_EQ(large.read_keys, 10u);
    EXPECT_EQ(large.round_trips(), 7u);
    // Not all bodies of a page at once, if they are more than asked for.
    auto calls = counting_->calls();
    EXPECT_TRUE(database_
                    ->scan_documents({.documents_max = 10'000, .page_bytes_max = 500'000},
                                     [](std::string_view, std::string_view) { return true; })
                    ->exhausted);
    EXPECT_EQ((counting_->calls() - calls).reads, 2u);
    calls = counting_->calls();
    EXPECT_TRUE(database_
                    ->scan_documents({.end = id(10), .page_bytes_max = 15'000},
                                     [](std::string_view, std::string_view) { return true; })
                    ->exhausted);
    EXPECT_EQ((counting_->calls() - calls).reads, 2u) << "a body each";

    std::vector<std::string> ids;
    for (std::size_t number = 0; number < 25; ++number)
        ids.push_back(id(number));
    auto before = counting_->calls();
    EXPECT_EQ(database_->texts(ids)->size(), ids.size());
    EXPECT_EQ((counting_->calls() - before).reads, 2u);
    EXPECT_EQ((counting_->calls() - before).round_trips(), 2u);
}

TEST_F(CostsTest, AScanForFewDocumentsReadsFewRows) {
    fill(5'000);
    auto before = counting_->calls();
    auto end = database_->scan_documents({.documents_max = 25}, [](auto, auto) { return true; }).value();
    EXPECT_EQ(end.documents, 25u);
    EXPECT_EQ((counting_->calls() - before).scan_rows, 25u);
    EXPECT_EQ((counting_->calls() - before).round_trips(), 1u);
}

TEST_F(CostsTest, ManyEditsOfFewDocumentsLeaveNoTrailInTheFeed) {
    constexpr std::size_t kDocuments = 100;
    constexpr auto kCompactionLimit = std::chrono::seconds(60);
    const std::uint64_t edits = std::getenv("DIVAN_LONG") != nullptr ? 1'000'000 : 200'000;
    // Blocks read for the whole feed with nothing of it in the cache.
    auto blocks_of_feed = [&] {
        open_rocksdb();
        auto last = database_->last_sequence().value();
        auto before = engine_->stats().block_reads;
        auto page = database_->changes({.last = last}).value();
        EXPECT_EQ(page.changes.size(), kDocuments);
        EXPECT_FALSE(page.more);
        return engine_->stats().block_reads - before;
    };
    open_rocksdb();
    fill(kDocuments);
    ASSERT_TRUE(engine_->compact_shard(kShard).ok());
    auto fresh_blocks = blocks_of_feed();
    EXPECT_GT(fresh_blocks, 0) << "the feed was in memory";
    std::vector<std::size_t> numbers(kDocuments);
    std::iota(numbers.begin(), numbers.end(), 0);
    while (edit_count_ < edits)
        edit(numbers);
    auto edited_blocks = blocks_of_feed();
    // What closing interrupted is compacted after opening; nothing is asked for here.
    for (auto end = std::chrono::steady_clock::now() + kCompactionLimit;
         edited_blocks > 2 * fresh_blocks && std::chrono::steady_clock::now() < end;)
        edited_blocks = blocks_of_feed();
    std::printf("blocks of the feed: %llu fresh, %llu after %llu edits\n",
                static_cast<unsigned long long>(fresh_blocks), static_cast<unsigned long long>(edited_blocks),
                static_cast<unsigned long long>(edits));
    EXPECT_LE(edited_blocks, 2 * fresh_blocks);
}

} // namespace
} // namespace divan::db
