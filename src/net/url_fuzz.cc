// Targets and ranges from outside: parts and parameters encode to what parses to the same.

#include "base/encoding.h"
#include "net/url.h"

#include <cstdlib>

namespace {

using namespace divan;

void check_path(std::string_view text, bool plus_is_space) {
    auto parts = net::split_path(text, plus_is_space);
    if (!parts.ok())
        return;
    std::string again;
    for (const auto &part : *parts)
        again += "/" + percent_encode(part.decoded);
    auto reparsed = net::split_path(again, plus_is_space);
    if (!reparsed.ok() || reparsed->size() != parts->size())
        std::abort();
    for (std::size_t i = 0; i < parts->size(); ++i)
        if ((*parts)[i].decoded != (*reparsed)[i].decoded)
            std::abort();
}

void check_query(std::string_view text) {
    auto query = net::Query::parse(text);
    if (!query.ok())
        return;
    std::string again;
    for (const auto &[name, value] : *query)
        again += percent_encode(name) + "=" + percent_encode(value) + "&";
    auto reparsed = net::Query::parse(again);
    if (!reparsed.ok())
        std::abort();
    auto other = reparsed->begin();
    for (const auto &parameter : *query)
        if (other == reparsed->end() || *other++ != parameter)
            std::abort();
}

void check_range(std::string_view text) {
    for (std::uint64_t length : {0ull, 1ull, 100ull, 1ull << 40}) {
        auto ranges = net::parse_range(text, length);
        if (!ranges.ok() || !*ranges)
            continue;
        for (const auto &range : **ranges)
            if (range.first > range.last || range.last >= length)
                std::abort();
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char *data, std::size_t size) {
    std::string_view text(reinterpret_cast<const char *>(data), size);
    check_path(text, true);
    check_path(text, false);
    check_query(text);
    check_range(text);
    return 0;
}
