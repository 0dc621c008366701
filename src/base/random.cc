#include "base/random.h"

#include "base/check.h"

#include <cerrno>
#include <sys/random.h>

namespace divan {

std::string SystemRandom::bytes(std::size_t count) {
    std::string out(count, '\0');
    std::size_t filled = 0;
    while (filled < count) {
        auto got = getrandom(out.data() + filled, count - filled, 0);
        DIVAN_CHECK(got > 0 || errno == EINTR);
        if (got > 0)
            filled += static_cast<std::size_t>(got);
    }
    return out;
}

std::string SeededRandom::bytes(std::size_t count) {
    std::lock_guard lock(mutex_);
    std::string out(count, '\0');
    for (auto &byte : out)
        byte = static_cast<char>(generator_());
    return out;
}

} // namespace divan
