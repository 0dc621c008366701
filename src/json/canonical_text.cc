#include "json/canonical_text.h"

#include <algorithm>
#include <bit>
#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace divan::json {
namespace {

#if defined(__SSE2__)
constexpr std::ptrdiff_t kBlockBytes = 16;

__m128i block_at(const char *at) {
    return _mm_loadu_si128(reinterpret_cast<const __m128i *>(at));
}

unsigned bits_of(__m128i matches) {
    return static_cast<unsigned>(_mm_movemask_epi8(matches));
}

__m128i equal(__m128i block, char c) {
    return _mm_cmpeq_epi8(block, _mm_set1_epi8(c));
}

// Where `"` and `\` are.
unsigned string_specials(const char *at) {
    const auto block = block_at(at);
    return bits_of(_mm_or_si128(equal(block, '"'), equal(block, '\\')));
}

// Where `"` and brackets of both kinds are: the bit 0x20 is all that `[` and `{`, `]` and `}` differ in.
unsigned structure(const char *at) {
    const auto block = block_at(at);
    const auto brackets = _mm_or_si128(block, _mm_set1_epi8(0x20));
    return bits_of(_mm_or_si128(equal(block, '"'), _mm_or_si128(equal(brackets, '{'), equal(brackets, '}'))));
}
#endif

// The first `"` or `\`, or the end.
const char *find_string_special(const char *at, const char *end) {
#if defined(__SSE2__)
    for (; end - at >= kBlockBytes; at += kBlockBytes)
        if (const auto bits = string_specials(at); bits != 0)
            return at + std::countr_zero(bits);
#endif
    while (at != end && *at != '"' && *at != '\\')
        ++at;
    return at;
}

// The first `"` or bracket, or the end.
const char *find_structure(const char *at, const char *end) {
#if defined(__SSE2__)
    for (; end - at >= kBlockBytes; at += kBlockBytes)
        if (const auto bits = structure(at); bits != 0)
            return at + std::countr_zero(bits);
#endif
    while (at != end && *at != '"' && (*at | 0x20) != '{' && (*at | 0x20) != '}')
        ++at;
    return at;
}

const char *skip_inside_string(const char *at, const char *end) {
    for (;;) {
        at = find_string_special(at, end);
        if (at == end)
            return end;
        if (*at == '"')
            return at + 1;
        at += std::min<std::ptrdiff_t>(2, end - at);
    }
}

// Past the bracket that closes `depth` containers.
const char *skip_containers(const char *at, const char *end, std::size_t depth) {
    for (;;) {
        at = find_structure(at, end);
        if (at == end)
            return end;
        const char c = *at++;
        if (c == '"')
            at = skip_inside_string(at, end);
        else if ((c | 0x20) == '{')
            ++depth;
        else if (--depth == 0)
            return at;
    }
}

const char *skip_number(const char *at, const char *end) {
    while (at != end && *at != ',' && *at != ']' && *at != '}')
        ++at;
    return at;
}

std::uint32_t hex_value(std::string_view digits) {
    std::uint32_t value = 0;
    for (char c : digits)
        value = 16 * value + static_cast<std::uint32_t>(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
    return value;
}

} // namespace

const char *skip_string(const char *at, const char *end) {
    return at == end ? end : skip_inside_string(at + 1, end);
}

const char *skip_rest_of_container(const char *at, const char *end) {
    return skip_containers(at, end, 1);
}

const char *skip_value(const char *at, const char *end) {
    if (at == end)
        return end;
    switch (*at) {
    case '"':
        return skip_inside_string(at + 1, end);
    case '{':
    case '[':
        return skip_containers(at + 1, end, 1);
    case 'n':
    case 't':
        return at + std::min<std::ptrdiff_t>(4, end - at);
    case 'f':
        return at + std::min<std::ptrdiff_t>(5, end - at);
    default:
        // Something is skipped in any case, so that every loop ends.
        return skip_number(at + 1, end);
    }
}

std::string_view first_value(std::string_view text) {
    const char *end = skip_value(text.data(), text.data() + text.size());
    return text.substr(0, static_cast<std::size_t>(end - text.data()));
}

// Canonical text escapes nothing above U+001F as \u.
void append_unescaped(std::string &out, std::string_view inside_quotes) {
    constexpr std::string_view kKinds = "bfnrt", kMeant = "\b\f\n\r\t";
    for (auto text = inside_quotes; !text.empty();) {
        const auto plain = std::min(text.find('\\'), text.size());
        out.append(text.substr(0, plain));
        text.remove_prefix(plain);
        if (text.size() < 2)
            return;
        const char kind = text[1];
        text.remove_prefix(2);
        if (kind == 'u') {
            out.push_back(static_cast<char>(hex_value(text.substr(0, 4))));
            text.remove_prefix(std::min<std::size_t>(text.size(), 4));
        } else {
            const auto at = kKinds.find(kind);
            out.push_back(at == std::string_view::npos ? kind : kMeant[at]);
        }
    }
}

bool MemberReader::next() {
    if (at_ == nullptr)
        at_ = skip_value(value_, end_);
    if (!begun_) {
        begun_ = true;
        at_ += at_ == end_ ? 0 : 1;
        if (at_ != end_ && *at_ == '}') {
            ++at_;
            return false;
        }
    } else {
        if (at_ == end_)
            return false;
        if (*at_++ != ',')
            return false;
    }
    if (at_ == end_)
        return false;
    const char *key_end = skip_string(at_, end_);
    key_text_ = {at_, static_cast<std::size_t>(key_end - at_)};
    value_ = key_end + (key_end == end_ ? 0 : 1);
    at_ = nullptr;
    return true;
}

std::string_view MemberReader::value() {
    if (at_ == nullptr)
        at_ = skip_value(value_, end_);
    return {value_, static_cast<std::size_t>(at_ - value_)};
}

bool ElementReader::next() {
    if (at_ == nullptr)
        at_ = skip_value(value_, end_);
    if (!begun_) {
        begun_ = true;
        at_ += at_ == end_ ? 0 : 1;
        if (at_ != end_ && *at_ == ']') {
            ++at_;
            return false;
        }
    } else {
        if (at_ == end_)
            return false;
        if (*at_++ != ',')
            return false;
    }
    if (at_ == end_)
        return false;
    value_ = at_;
    at_ = nullptr;
    return true;
}

std::string_view ElementReader::value() {
    if (at_ == nullptr)
        at_ = skip_value(value_, end_);
    return {value_, static_cast<std::size_t>(at_ - value_)};
}

} // namespace divan::json
