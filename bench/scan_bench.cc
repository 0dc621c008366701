// Documents as texts, against the engine's rows alone: what a query without an index costs at least.
// Everything is in the cache. DIVAN_BENCH_DIR: where the directory is made.

#include "base/encoding.h"
#include "base/executor.h"
#include "base/random.h"
#include "db/store.h"
#include "kv/rocksdb/rocksdb_engine.h"

#include <benchmark/benchmark.h>

#include <cstdlib>
#include <filesystem>
#include <future>

namespace divan::db {
namespace {

constexpr std::size_t kDocuments = 200'000;
constexpr std::size_t kEditsPerWrite = 1'000;
constexpr std::size_t kBodyBytes = 300;
constexpr kv::ShardId kShard{1}; // of the first database

[[noreturn]] void fail(const Error &error) {
    std::fprintf(stderr, "%s\n", error.reason().c_str());
    std::abort();
}

template <typename T> T must(Result<T> result) {
    if (!result.ok())
        fail(result.error());
    return std::move(result).value();
}

// 32 hex digits, as POST gives them; in no order.
std::string id_of(std::size_t number) {
    char id[33];
    std::snprintf(id, sizeof id, "%016llx%016zx",
                  static_cast<unsigned long long>(number * 0x9E3779B97F4A7C15U), number);
    return id;
}

// Half random digits, half text.
std::string body(Random &random) {
    std::string json =
        R"({"type":"person","name":"Somebody Known","age":42,"city":"Kristiansand","tags":["a","b"],)"
        R"("random":")";
    json += hex_encode(random.bytes(kBodyBytes / 4));
    json += R"(","filler":")";
    json.append(kBodyBytes - json.size() - 2, 'x');
    return json + "\"}";
}

DocumentScan whole() {
    return {
        .documents_max = 2 * kDocuments, .rows_max = 2 * kDocuments, .text_bytes_max = std::size_t{1} << 40};
}

// One database for all benchmarks.
class Stored {
  public:
    static Stored &get() {
        static Stored stored;
        return stored;
    }

    Database &database() { return *database_; }
    kv::Engine &engine() { return *engine_; }

  private:
    Stored() {
        const char *parent = std::getenv("DIVAN_BENCH_DIR");
        auto name = std::string(parent != nullptr ? parent : "/var/tmp") + "/divan-bench-XXXXXX";
        if (mkdtemp(name.data()) == nullptr)
            std::abort();
        directory_ = name;
        engine_ = must(kv::open_rocksdb_engine({.directory = directory_ / "engine", .clock = &clock_}));
        store_ = must(open_store({*engine_, pool_, clock_, random_}, {}));
        database_ = must(store_->create("db", {}));
        for (std::size_t number = 0; number < kDocuments; number += kEditsPerWrite)
            write(number);
        if (auto compacted = engine_->compact_shard(kShard); !compacted.ok())
            fail(compacted.error());
        // Into the cache.
        must(database_->scan_documents(whole(), [](std::string_view, std::string_view) { return true; }));
    }

    ~Stored() {
        database_.reset();
        store_.reset();
        engine_.reset();
        std::error_code error;
        std::filesystem::remove_all(directory_, error);
    }

    void write(std::size_t first) {
        std::vector<Edit> edits(kEditsPerWrite);
        for (std::size_t i = 0; i < edits.size(); ++i) {
            edits[i].id = id_of(first + i);
            edits[i].json = body(random_);
        }
        std::promise<void> done;
        database_->write(std::move(edits), WriteContext::system(), [&](auto answers) {
            for (auto &answer : answers)
                must(std::move(answer));
            done.set_value();
        });
        done.get_future().get();
    }

    std::filesystem::path directory_;
    SystemClock clock_;
    SeededRandom random_{1};
    ThreadPool pool_{2};
    std::unique_ptr<kv::Engine> engine_;
    std::unique_ptr<Store> store_;
    std::shared_ptr<Database> database_;
};

// The rows alone: heads, with the bodies in them.
void ScanRows(benchmark::State &state) {
    auto &engine = Stored::get().engine();
    std::size_t rows = 0;
    for (auto _ : state) {
        kv::ScanRequest request{.shard = kShard, .begin = "h", .end = "i"};
        for (bool more = true; more;) {
            auto page = must(engine.scan(request));
            rows += page.size();
            more = page.more;
            if (more)
                request.begin = std::string(page.key(page.size() - 1)) + '\0';
        }
    }
    state.SetItemsProcessed(static_cast<std::int64_t>(rows));
}
BENCHMARK(ScanRows)->Unit(benchmark::kMillisecond)->UseRealTime();

void scan_texts(benchmark::State &state, const DocumentScan &scan) {
    auto &database = Stored::get().database();
    std::size_t documents = 0;
    std::size_t bytes = 0;
    for (auto _ : state) {
        auto end = must(database.scan_documents(scan, [&](std::string_view, std::string_view text) {
            bytes += text.size();
            return true;
        }));
        if (!end.exhausted || end.documents != kDocuments)
            state.SkipWithError("documents are missing");
        documents += end.documents;
    }
    state.SetItemsProcessed(static_cast<std::int64_t>(documents));
    state.SetBytesProcessed(static_cast<std::int64_t>(bytes));
}

void ScanTexts(benchmark::State &state) {
    scan_texts(state, whole());
}
BENCHMARK(ScanTexts)->Unit(benchmark::kMillisecond)->UseRealTime();

void ScanTextsReverse(benchmark::State &state) {
    auto scan = whole();
    scan.reverse = true;
    scan_texts(state, scan);
}
BENCHMARK(ScanTextsReverse)->Unit(benchmark::kMillisecond)->UseRealTime();

// The documents of a page of an index: anywhere.
void TextsOf(benchmark::State &state) {
    auto &database = Stored::get().database();
    std::size_t number = 0;
    for (auto _ : state) {
        std::vector<std::string> ids;
        for (std::int64_t i = 0; i < state.range(0); ++i)
            ids.push_back(id_of(number = (number * 21 + 12'347) % kDocuments));
        for (const auto &text : must(database.texts(ids)))
            if (!text)
                state.SkipWithError("a document is missing");
    }
    state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(TextsOf)->Arg(1)->Arg(25)->Arg(1'000)->Unit(benchmark::kMicrosecond)->UseRealTime();

} // namespace
} // namespace divan::db
