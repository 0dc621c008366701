#include "collation/string_key.h"

#include "base/check.h"
#include "collation/collator.h"

#include <unicode/ustring.h>

#include <vector>

namespace divan::collation {

void append_string(std::string &out, std::string_view utf8) {
    thread_local std::vector<UChar> text;
    text.resize(utf8.size() + 1);
    std::int32_t length = 0;
    UErrorCode status = U_ZERO_ERROR;
    u_strFromUTF8WithSub(text.data(), static_cast<std::int32_t>(text.size()), &length, utf8.data(),
                         static_cast<std::int32_t>(utf8.size()), 0xFFFD, nullptr, &status);
    DIVAN_CHECK(U_SUCCESS(status));
    auto begin = out.size();
    constexpr std::size_t kBytesGuess = 32;
    out.resize(begin + static_cast<std::size_t>(length) * 3 + kBytesGuess);
    auto room = [&] { return static_cast<std::int32_t>(out.size() - begin); };
    auto write = [&] {
        return ucol_getSortKey(collator(), text.data(), length,
                               reinterpret_cast<std::uint8_t *>(out.data() + begin), room());
    };
    auto size = write();
    if (size > room()) {
        out.resize(begin + static_cast<std::size_t>(size));
        size = write();
    }
    out.resize(begin + static_cast<std::size_t>(size)); // ICU's key ends with 0 and has none before
}

} // namespace divan::collation
