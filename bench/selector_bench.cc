// Matching a selector against the text of a document of 300 bytes. `skips`: as a multiple of skipping over
// the text once.

#include "selector/selector.h"
#include "json/canonical_text.h"
#include "json/parser.h"

#include <benchmark/benchmark.h>
#include <cstdint>
#include <ctime>

namespace {

constexpr std::int64_t kRounds = 200'000;
constexpr int kIterations = 5;

// As canonical text has it: no white space.
constexpr std::string_view kDocument =
    R"({"_id":"order-00012345","_rev":"1-967a00dff5e02add41819138abb3284d","type":"order","customer":{)"
    R"("name":"Jane Q. Public","city":"Springfield","vip":false},"items":[{"sku":"A-1","count":2},{"sku":)"
    R"("B-22","count":1}],"total":129.95,"currency":"EUR","status":"shipped","year":2024,"tags":["new","gift"],)"
    R"("note":"leave at door"})";

// Nanoseconds of one call, of this process: others may run meanwhile.
template <typename Call> double time_ns(std::int64_t rounds, Call call) {
    const auto started = std::clock();
    for (std::int64_t i = 0; i < rounds; ++i) {
        auto text = kDocument;
        benchmark::DoNotOptimize(text);
        benchmark::DoNotOptimize(call(text));
    }
    return 1e9 / CLOCKS_PER_SEC * static_cast<double>(std::clock() - started) / static_cast<double>(rounds);
}

const char *skip(std::string_view text) {
    return divan::json::skip_value(text.data(), text.data() + text.size());
}

void measure_skip(benchmark::State &state) {
    for (auto _ : state)
        state.SetIterationTime(1e-9 * time_ns(kRounds, skip));
    state.counters["bytes"] = static_cast<double>(kDocument.size());
}

void measure_match(benchmark::State &state, std::string_view selector_text, bool expected) {
    const auto value = divan::json::parse(selector_text);
    const auto selector = divan::selector::Selector::compile(value.value());
    divan::selector::Matcher matcher(selector.value());
    if (matcher.matches(kDocument) != expected)
        return state.SkipWithError("the answer is wrong");
    double skip_ns = 0, match_ns = 0;
    for (auto _ : state) {
        const double ns = time_ns(kRounds, [&](std::string_view text) { return matcher.matches(text); });
        match_ns += ns;
        skip_ns += time_ns(kRounds, skip);
        state.SetIterationTime(1e-9 * ns);
    }
    state.counters["skips"] = match_ns / skip_ns;
}

BENCHMARK(measure_skip)->UseManualTime()->Iterations(kIterations);
#define MATCH(name, ...)                                                                                     \
    BENCHMARK_CAPTURE(measure_match, name, __VA_ARGS__)->UseManualTime()->Iterations(kIterations)

MATCH(one_string, R"({"status":"shipped"})", true);
MATCH(one_string_differs, R"({"status":"returned"})", false);
MATCH(one_string_range, R"({"status":{"$gt":"open"}})", true);
MATCH(one_integer, R"({"year":2024})", true);
MATCH(one_integer_range, R"({"year":{"$gte":2020}})", true);
MATCH(one_decimal_range, R"({"total":{"$lt":200}})", true);
MATCH(one_nested, R"({"customer.city":"Springfield"})", true);
MATCH(one_missing, R"({"missing":1})", false);
MATCH(one_in_4, R"({"status":{"$in":["new","open","paid","shipped"]}})", true);
MATCH(one_regex, R"({"note":{"$regex":"door$"}})", true);
MATCH(one_elem_match, R"({"items":{"$elemMatch":{"sku":"B-22"}}})", true);
MATCH(three, R"({"type":"order","status":"shipped","year":{"$gte":2020}})", true);
MATCH(ten,
      R"({"type":"order","status":"shipped","year":{"$gte":2020,"$lt":2030},"total":{"$gt":100,"$lt":200},)"
      R"("currency":"EUR","customer.city":"Springfield","customer.vip":false,"tags":{"$in":["gift"]}})",
      true);

} // namespace
