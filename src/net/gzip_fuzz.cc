// Any bytes inflate to at most what is allowed, or are refused; what was compressed comes back.

#include "net/gzip.h"

#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const unsigned char *data, std::size_t size) {
    using namespace divan;
    std::string_view bytes(reinterpret_cast<const char *>(data), size);
    constexpr std::size_t kOutputBytesMax = 1 << 20;
    auto inflated = net::gunzip(bytes, kOutputBytesMax);
    if (inflated.ok() && inflated->size() > kOutputBytesMax)
        std::abort();

    // The same in two steps.
    net::GzipReader reader;
    auto first = reader.read(bytes.substr(0, size / 2), kOutputBytesMax);
    if (first.ok()) {
        auto second = reader.read(bytes.substr(size / 2), kOutputBytesMax - first->size());
        if (inflated.ok() && (!second.ok() || *first + *second != *inflated))
            std::abort();
    }

    net::GzipWriter writer(1);
    auto compressed = writer.write(bytes.substr(0, size / 3));
    compressed += writer.write(bytes.substr(size / 3));
    compressed += writer.finish();
    auto again = net::gunzip(compressed, size);
    if (!again.ok() || *again != bytes)
        std::abort();
    return 0;
}
