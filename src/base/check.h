#pragma once

// Assertions that stay on in release: a broken invariant stops the process before it can write.
// Never for user input; that is an Error.

namespace divan {

// Prints the failed condition and aborts.
[[noreturn]] void check_failed(const char *condition, const char *file, int line);

} // namespace divan

#define DIVAN_CHECK(condition)                                                                               \
    do {                                                                                                     \
        if (!(condition)) [[unlikely]]                                                                       \
            ::divan::check_failed(#condition, __FILE__, __LINE__);                                           \
    } while (false)
