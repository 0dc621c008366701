// Functions of design documents in real workers: documents a second, the way a view is built.

#include "script/pool.h"

#include <benchmark/benchmark.h>
#include <cstdlib>
#include <utility>

namespace divan::script {
namespace {

constexpr std::size_t kBatch = 200;

// About 300 bytes, as orders of a shop are.
std::string document(std::size_t number) {
    auto text = std::to_string(number);
    return R"({"_id":"order-)" + text +
           R"(","_rev":"1-967a00dff5e02add41819138abb3284d","type":"order","number":)" + text +
           R"(,"status":"shipped","customer":{"name":"Customer )" + text +
           R"(","city":"Berlin"},"items":[{"sku":"A-1","count":2,"price":9.95},{"sku":"B-7","count":1,"price":120}],)"
           R"("total":139.9,"created_at":"2026-03-14T09:26:53Z"})";
}

std::shared_ptr<const Program> program(std::size_t functions) {
    constexpr const char *kSources[] = {
        "function(doc) { if (doc.type === 'order') emit(doc.number, doc.total); }",
        "function(doc) { emit([doc.status, doc.created_at], null); }",
        "function(doc) { for (var i = 0; i < doc.items.length; i++) emit(doc.items[i].sku, "
        "doc.items[i].count); }",
    };
    auto made = std::make_shared<Program>();
    made->key = "bench";
    made->database = "bench";
    made->design_id = "_design/bench";
    for (std::size_t i = 0; i < functions; ++i)
        made->functions.push_back({"f" + std::to_string(i), kSources[i]});
    return made;
}

void map_documents(benchmark::State &state) {
    PoolOptions options;
    options.command = {DIVAN_PROGRAM, "script-worker"};
    Pool pool(options);
    auto functions = program(static_cast<std::size_t>(state.range(0)));
    std::vector<std::string> documents;
    for (std::size_t i = 0; i < kBatch; ++i)
        documents.push_back(document(i));
    for (auto _ : state) {
        auto answer =
            wait_for<MapAnswer>([&](auto done) { pool.map({functions, documents}, std::move(done)); });
        if (!answer.ok() || answer->rows.empty() || !answer->failures.empty())
            state.SkipWithError("the worker failed");
    }
    state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations() * kBatch));
}
BENCHMARK(map_documents)->Arg(1)->Arg(3)->UseRealTime()->Unit(benchmark::kMicrosecond);

} // namespace
} // namespace divan::script
