#include "base/error.h"

#include <array>
#include <cstddef>

namespace divan {
namespace {

struct Entry {
    int status;
    std::string_view word;
    std::string_view reason;
};

constexpr std::array kEntries = {
#define DIVAN_ERROR_ENTRY(name, status, word, reason) Entry{status, word, reason},
    DIVAN_ERRORS(DIVAN_ERROR_ENTRY)
#undef DIVAN_ERROR_ENTRY
};

const Entry &entry(ErrorCode code) {
    return kEntries[static_cast<std::size_t>(code)];
}

} // namespace

int http_status(ErrorCode code) {
    return entry(code).status;
}

std::string_view couch_error_word(ErrorCode code) {
    return entry(code).word;
}

std::string_view default_reason(ErrorCode code) {
    return entry(code).reason;
}

} // namespace divan
