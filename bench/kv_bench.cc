// The engines alone, with the rows a 600-byte document makes. Set DIVAN_BENCH_DIR to the disk that
// is to be measured; a temporary directory on a memory disk makes durable commits look free.

#include "base/bytes.h"
#include "base/random.h"
#include "kv/memory/memory_engine.h"
#include "kv/rocksdb/rocksdb_engine.h"

#include <benchmark/benchmark.h>

#include <atomic>

#include <cstdlib>

namespace divan::kv {
namespace {

constexpr std::uint32_t kStoredDocuments = 200'000;
constexpr ShardId kStoredShard{1'000'000};

enum EngineKind : std::int64_t { kMemory, kRocksdb };

// Half random, half not: compresses about as JSON does.
std::string document(Random &random) {
    return random.bytes(300) + std::string(300, 'd');
}

std::string document_key(std::uint64_t number) {
    std::string key = "doc";
    append_u64(key, number * 0x9E3779B97F4A7C15U); // spread as random ids are
    return key;
}

// Visits all stored documents, in no order (a linear congruence of full period).
std::uint64_t next_number(std::uint64_t number) {
    return (number * 21 + 12'347) % kStoredDocuments;
}

// The rows of one new document: head with the body inside, and by-seq entry.
void add_document(WriteBatch &batch, std::uint64_t number, std::uint64_t sequence, const std::string &body) {
    std::string sequence_key;
    append_u64(sequence_key, sequence);
    auto id = document_key(number);
    batch.put(Table::documents, id, body);
    batch.put(Table::sequences, std::move(sequence_key), id);
}

class Fixture : public benchmark::Fixture {
  public:
    void SetUp(benchmark::State &state) override {
        if (state.thread_index() != 0)
            return;
        const char *parent = std::getenv("DIVAN_BENCH_DIR");
        auto name = std::string(parent != nullptr ? parent : "/var/tmp") + "/divan-bench-XXXXXX";
        if (mkdtemp(name.data()) == nullptr)
            std::abort();
        directory_ = name;
        engine_ = state.range(0) == kMemory
                      ? make_memory_engine()
                      : open_rocksdb_engine({.directory = directory_ / "engine", .clock = &clock_}).value();
        next_document_ = 0;
    }

    void TearDown(benchmark::State &state) override {
        if (state.thread_index() != 0)
            return;
        engine_.reset();
        std::error_code error;
        std::filesystem::remove_all(directory_, error);
    }

    // kStoredDocuments documents, in files.
    void store() {
        SeededRandom random(1);
        for (std::uint64_t number = 0; number < kStoredDocuments;) {
            WriteBatch batch;
            for (int i = 0; i < 1'000; ++i, ++number)
                add_document(batch, number, number + 1, document(random));
            if (!engine_->stage(kStoredShard, std::move(batch)).ok())
                std::abort();
        }
        if (!engine_->compact_shard(kStoredShard).ok())
            std::abort();
    }

    void commit(benchmark::State &state, ShardId shard, std::uint32_t count, const std::string &body) {
        auto commit = engine_->begin(shard, {}, count);
        if (!commit.ok())
            return state.SkipWithError(commit.error().reason().c_str());
        WriteBatch batch;
        auto sequence = commit.value()->first_sequence().value;
        for (std::uint32_t i = 0; i < count; ++i)
            add_document(batch, next_document_++, sequence + i, body);
        if (auto outcome = commit.value()->finish(std::move(batch), count); !outcome.ok())
            state.SkipWithError(outcome.error().reason().c_str());
    }

  protected:
    std::filesystem::path directory_;
    SystemClock clock_;
    std::unique_ptr<Engine> engine_;
    std::atomic<std::uint64_t> next_document_ = 0;
};

ShardId shard_of(const benchmark::State &state) {
    return ShardId(static_cast<std::uint32_t>(state.thread_index() + 1));
}

// Each thread has a shard of its own, so that syncs can be shared.
BENCHMARK_DEFINE_F(Fixture, CommitOneDocument)(benchmark::State &state) {
    SeededRandom random(static_cast<std::uint64_t>(state.thread_index()));
    auto body = document(random);
    for (auto _ : state)
        commit(state, shard_of(state), 1, body);
    state.SetItemsProcessed(state.iterations());
}
BENCHMARK_REGISTER_F(Fixture, CommitOneDocument)
    ->Arg(kMemory)
    ->Arg(kRocksdb)
    ->Threads(1)
    ->Threads(8)
    ->Threads(32)
    ->UseRealTime();

BENCHMARK_DEFINE_F(Fixture, CommitThousandDocuments)(benchmark::State &state) {
    SeededRandom random(static_cast<std::uint64_t>(state.thread_index()));
    auto body = document(random);
    for (auto _ : state)
        commit(state, shard_of(state), 1'000, body);
    state.SetItemsProcessed(state.iterations() * 1'000);
}
BENCHMARK_REGISTER_F(Fixture, CommitThousandDocuments)
    ->Arg(kMemory)
    ->Arg(kRocksdb)
    ->Threads(1)
    ->Threads(4)
    ->UseRealTime();

// The rows of a view, without a sync: four for a document of three views.
BENCHMARK_DEFINE_F(Fixture, StageViewRows)(benchmark::State &state) {
    constexpr std::int64_t kRows = 4'000;
    std::uint64_t row = 0;
    for (auto _ : state) {
        WriteBatch batch;
        for (std::int64_t i = 0; i < kRows; ++i, ++row)
            batch.put(Table::index, document_key(row) + std::string(30, 'k'), std::string(30, 'v'));
        batch.sort();
        if (!engine_->stage(kStoredShard, std::move(batch)).ok())
            state.SkipWithError("stage failed");
    }
    state.SetItemsProcessed(state.iterations() * kRows);
}
BENCHMARK_REGISTER_F(Fixture, StageViewRows)->Arg(kRocksdb)->UseRealTime();

// What a point query of a view needs at least: one bounded scan.
BENCHMARK_DEFINE_F(Fixture, ScanOneRow)(benchmark::State &state) {
    store();
    std::uint64_t number = 0;
    for (auto _ : state) {
        number = next_number(number);
        ScanRequest request;
        request.shard = kStoredShard;
        request.begin = document_key(number);
        request.end = request.begin + '\1';
        auto page = engine_->scan(request);
        if (!page.ok() || page->size() != 1)
            state.SkipWithError("the row is not there");
    }
    state.SetItemsProcessed(state.iterations());
}
BENCHMARK_REGISTER_F(Fixture, ScanOneRow)->Arg(kRocksdb)->UseRealTime();

BENCHMARK_DEFINE_F(Fixture, ReadOneDocument)(benchmark::State &state) {
    store();
    std::uint64_t number = 0;
    for (auto _ : state) {
        number = next_number(number);
        auto key = document_key(number);
        KeyRef reference{Table::documents, key};
        auto values = engine_->read(kStoredShard, {&reference, 1});
        if (!values.ok() || !values->front())
            state.SkipWithError("a document is missing");
    }
    state.SetItemsProcessed(state.iterations());
}
BENCHMARK_REGISTER_F(Fixture, ReadOneDocument)->Arg(kMemory)->Arg(kRocksdb)->UseRealTime();

BENCHMARK_DEFINE_F(Fixture, ReadThousandDocuments)(benchmark::State &state) {
    store();
    std::uint64_t number = 0;
    for (auto _ : state) {
        std::vector<std::string> keys;
        for (int i = 0; i < 1'000; ++i) {
            number = next_number(number);
            keys.push_back(document_key(number));
        }
        std::vector<KeyRef> references;
        for (const auto &key : keys)
            references.push_back({Table::documents, key});
        if (auto values = engine_->read(kStoredShard, references); !values.ok())
            state.SkipWithError(values.error().reason().c_str());
    }
    state.SetItemsProcessed(state.iterations() * 1'000);
}
BENCHMARK_REGISTER_F(Fixture, ReadThousandDocuments)->Arg(kMemory)->Arg(kRocksdb)->UseRealTime();

// Pages of 1,000 rows through the whole table, again and again.
void scan_table(benchmark::State &state, Engine &engine, Table table) {
    ScanRequest request{.shard = kStoredShard, .table = table};
    std::int64_t rows = 0;
    for (auto _ : state) {
        auto page = engine.scan(request);
        if (!page.ok())
            return state.SkipWithError(page.error().reason().c_str());
        rows += static_cast<std::int64_t>(page->size());
        request.begin = page->more ? std::string(page->key(page->size() - 1)) + '\0' : std::string();
    }
    state.SetItemsProcessed(rows);
}

BENCHMARK_DEFINE_F(Fixture, ScanDocuments)(benchmark::State &state) {
    store();
    scan_table(state, *engine_, Table::documents);
}
BENCHMARK_REGISTER_F(Fixture, ScanDocuments)->Arg(kMemory)->Arg(kRocksdb)->UseRealTime();

BENCHMARK_DEFINE_F(Fixture, ScanSequences)(benchmark::State &state) {
    store();
    scan_table(state, *engine_, Table::sequences);
}
BENCHMARK_REGISTER_F(Fixture, ScanSequences)->Arg(kMemory)->Arg(kRocksdb)->UseRealTime();

} // namespace
} // namespace divan::kv
