#include "collation/string_key.h"

#include "base/check.h"
#include "collation/ascii_key.h"
#include "collation/collator.h"

#include <array>
#include <cstring>
#include <unicode/ustring.h>

namespace divan::collation {
namespace {

constexpr std::size_t kStackUnitsMax = 256;
constexpr std::size_t kStackKeyBytesMax = 1024;

const AsciiKeys &ascii_keys() {
    static const AsciiKeys kKeys;
    return kKeys;
}

bool is_ascii(std::string_view text) {
    std::uint64_t seen = 0;
    std::size_t i = 0;
    for (; i + 8 <= text.size(); i += 8) {
        std::uint64_t word;
        std::memcpy(&word, text.data() + i, 8);
        seen |= word;
    }
    for (; i < text.size(); ++i)
        seen |= static_cast<unsigned char>(text[i]);
    return (seen & 0x8080808080808080ull) == 0;
}

void append_key_of_units(std::string &out, const UChar *units, std::int32_t size) {
    std::array<std::uint8_t, kStackKeyBytesMax> buffer;
    auto needed = ucol_getSortKey(root_collator(), units, size, buffer.data(), buffer.size());
    DIVAN_CHECK(needed > 0);
    auto key_size = static_cast<std::size_t>(needed);
    if (key_size <= buffer.size()) {
        out.append(reinterpret_cast<const char *>(buffer.data()), key_size);
        return;
    }
    auto begin = out.size();
    out.resize(begin + key_size);
    auto written = ucol_getSortKey(root_collator(), units, size,
                                   reinterpret_cast<std::uint8_t *>(out.data() + begin), needed);
    DIVAN_CHECK(written == needed);
}

} // namespace

void append_icu_key(std::string &out, std::string_view utf8) {
    DIVAN_CHECK(utf8.size() < (std::size_t{1} << 28));
    // UTF-16 never has more units than UTF-8 has bytes.
    std::array<UChar, kStackUnitsMax> stack;
    std::u16string heap;
    UChar *units = stack.data();
    if (utf8.size() > stack.size()) {
        heap.resize(utf8.size());
        units = heap.data();
    }
    const char *bytes = utf8.data();
    const auto size_max = static_cast<std::int32_t>(utf8.size());
    std::int32_t size = 0;
    UErrorCode status = U_ZERO_ERROR;
    u_strFromUTF8WithSub(units, size_max, &size, bytes, size_max, 0xfffd, nullptr, &status);
    DIVAN_CHECK(U_SUCCESS(status));
    append_key_of_units(out, units, size);
}

void append_ascii_key(std::string &out, std::string_view ascii) {
    if (ascii_keys().usable())
        ascii_keys().append(out, ascii);
    else
        append_icu_key(out, ascii);
}

void append_string_key(std::string &out, std::string_view utf8) {
    if (is_ascii(utf8))
        append_ascii_key(out, utf8);
    else
        append_icu_key(out, utf8);
}

} // namespace divan::collation
