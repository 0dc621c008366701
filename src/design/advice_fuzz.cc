// Any source of a map or reduce is read, and advice on it is given in bounded time.

#include "design/advice.h"

#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const unsigned char *data, std::size_t size) {
    divan::design::DesignDocument document;
    auto source = std::string(reinterpret_cast<const char *>(data), size);
    document.views.push_back({"v", source, source});
    constexpr std::size_t kAdviceMax = 4; // two of a map, two of a reduce
    if (divan::design::advise(document).size() > kAdviceMax)
        std::abort();
    return 0;
}
