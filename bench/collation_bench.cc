// The cost of one sort key, from canonical text.

#include "collation/sort_key.h"
#include "collation/string_key.h"

#include <benchmark/benchmark.h>

namespace {

void measure_text(benchmark::State &state, std::string_view text) {
    std::string key;
    divan::collation::append_sort_key(key, text);
    for (auto _ : state) {
        key.clear();
        divan::collation::append_sort_key(key, text);
        benchmark::DoNotOptimize(key.data());
    }
    state.counters["key_bytes"] = static_cast<double>(key.size());
}

// What the 20 characters of ASCII cost without the tables.
void measure_icu(benchmark::State &state, std::string_view text) {
    std::string key;
    for (auto _ : state) {
        key.clear();
        divan::collation::append_icu_key(key, text);
        benchmark::DoNotOptimize(key.data());
    }
}

BENCHMARK_CAPTURE(measure_text, ascii_20_lower, R"("order.created-at2024")");
BENCHMARK_CAPTURE(measure_text, ascii_20_letters, R"("abcdefghijklmnopqrst")");
BENCHMARK_CAPTURE(measure_text, ascii_20_capitals, R"("Jane Q. Public-Smith")");
BENCHMARK_CAPTURE(measure_icu, ascii_20, "order.created-at2024");
BENCHMARK_CAPTURE(measure_text, non_ascii_20, R"("caf\u00e9 \u00e0 la cr\u00e8me 2024")");
BENCHMARK_CAPTURE(measure_text, non_ascii_20_unescaped, "\"caf\u00e9 \u00e0 la cr\u00e8me 2024\"");
BENCHMARK_CAPTURE(measure_text, integer, "1234567");
BENCHMARK_CAPTURE(measure_text, decimal, "12.75");
BENCHMARK_CAPTURE(measure_text, array, R"([2024,11,25,"order"])");
BENCHMARK_CAPTURE(measure_text, object, R"({"year":2024,"kind":"order"})");

} // namespace
