#include "selector/prefix.h"

#include "json/canonical_text.h"
#include "json/writer.h"

#include <unicode/uchar.h>

namespace divan::selector {
namespace {

constexpr UChar32 kAsciiMax = 0x7f;

// REQUIRES: valid UTF-8, not empty
UChar32 first_of_utf8(std::string_view utf8) {
    const auto lead = static_cast<unsigned char>(utf8.front());
    const std::size_t size = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    UChar32 code = size == 1 ? lead : lead & (0x7f >> size);
    for (char trail : utf8.substr(1, size - 1))
        code = (code << 6) | (trail & 0x3f);
    return code;
}

UChar32 last_of_utf8(std::string_view utf8) {
    if (utf8.empty())
        return 0;
    auto at = utf8.size() - 1;
    while (at > 0 && (utf8[at] & 0xc0) == 0x80)
        --at;
    return first_of_utf8(utf8.substr(at));
}

// REQUIRES: not empty
UChar32 first_of_string(std::string_view inside_quotes) {
    if (inside_quotes.front() != '\\')
        return first_of_utf8(inside_quotes);
    std::string plain;
    json::append_unescaped(plain, inside_quotes.substr(0, inside_quotes.starts_with("\\u") ? 6 : 2));
    return plain.empty() ? 0 : first_of_utf8(plain);
}

UGraphemeClusterBreak break_class(UChar32 code) {
    return static_cast<UGraphemeClusterBreak>(u_getIntPropertyValue(code, UCHAR_GRAPHEME_CLUSTER_BREAK));
}

// Whether a grapheme cluster that begins with `first` goes on with `next`: the rules GB3 to GB13 of Unicode's
// annex 29. Those that look at more than two code points do not apply, as nothing stands before `first`.
bool is_one_cluster(UChar32 first, UChar32 next) {
    if (first <= kAsciiMax && next <= kAsciiMax)
        return first == '\r' && next == '\n';
    const auto left = break_class(first), right = break_class(next);
    if (left == U_GCB_CR || left == U_GCB_LF || left == U_GCB_CONTROL || right == U_GCB_CR ||
        right == U_GCB_LF || right == U_GCB_CONTROL)
        return false;
    if (right == U_GCB_EXTEND || right == U_GCB_ZWJ || right == U_GCB_SPACING_MARK || left == U_GCB_PREPEND)
        return true;
    const bool ends_in_vowel = left == U_GCB_LV || left == U_GCB_V;
    const bool ends_in_final = left == U_GCB_LVT || left == U_GCB_T;
    if (left == U_GCB_L)
        return right == U_GCB_L || right == U_GCB_V || right == U_GCB_LV || right == U_GCB_LVT;
    if (ends_in_vowel)
        return right == U_GCB_V || right == U_GCB_T;
    if (ends_in_final)
        return right == U_GCB_T;
    return left == U_GCB_REGIONAL_INDICATOR && right == U_GCB_REGIONAL_INDICATOR;
}

} // namespace

Prefix::Prefix(std::string_view utf8) : last_(last_of_utf8(utf8)) {
    std::string quoted;
    json::write_string(quoted, utf8);
    text_ = json::inside_quotes(quoted);
}

bool Prefix::matches(std::string_view inside_quotes) const {
    if (!inside_quotes.starts_with(text_))
        return false;
    const auto rest = inside_quotes.substr(text_.size());
    return text_.empty() || rest.empty() || !is_one_cluster(last_, first_of_string(rest));
}

} // namespace divan::selector
