// Whatever parses is written and parsed to the same, and its raw text is the same at any depth.

#include "json/parser.h"
#include "json/writer.h"

#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const unsigned char *data, std::size_t size) {
    std::string_view text(reinterpret_cast<const char *>(data), size);
    divan::json::ParseOptions options;
    options.depth_max = 200;
    auto value = divan::json::parse(text, options);
    for (std::size_t raw_depth : {0u, 1u, 2u, 3u}) {
        options.raw_depth = raw_depth;
        auto raw = divan::json::parse(text, options);
        if (raw.ok() != value.ok() ||
            (raw.ok() && divan::json::to_text(*raw) != divan::json::to_text(*value)))
            std::abort();
    }
    if (value.ok()) {
        auto again = divan::json::parse(divan::json::to_text(*value));
        if (!again.ok() || !(*again == *value))
            std::abort();
    }
    return 0;
}
