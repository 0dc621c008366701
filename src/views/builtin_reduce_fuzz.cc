// Summaries of any bytes are combined and finished to JSON or to an error.

#include "base/bytes.h"
#include "views/builtin_reduce.h"
#include "json/parser.h"

#include <array>
#include <cstdlib>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const unsigned char *data, std::size_t size) {
    using namespace divan;
    constexpr std::array kSources{"_sum",   "_count", "_stats", "_approx_count_distinct",
                                  "_first", "_last",  "_top_3", "_bottom_100"};
    ByteReader reader(std::string_view(reinterpret_cast<const char *>(data), size));
    auto function = views::make_builtin_reduce(kSources[reader.u8() % kSources.size()]);
    std::vector<std::string_view> summaries;
    while (reader.ok() && !reader.at_end())
        summaries.push_back(reader.sized());
    summaries.push_back(reader.rest());
    auto outcome = (*function)->finish((*function)->combine(summaries));
    if (const auto *text = std::get_if<std::string>(&outcome); text != nullptr && !json::parse(*text).ok())
        std::abort();
    return 0;
}
