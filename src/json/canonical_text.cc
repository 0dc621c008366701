#include "json/canonical_text.h"

#include <algorithm>
#include <array>
#include <cstring>
#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace divan::json {
namespace {

constexpr std::ptrdiff_t kBlockBytes = 64;

// For each byte of a block a bit.
struct BlockBits {
    std::uint64_t quotes = 0, backslashes = 0, brackets = 0, commas = 0;
};

#if defined(__SSE2__)
constexpr std::ptrdiff_t kVectorBytes = 16;

__m128i vector_at(const char *at) {
    return _mm_loadu_si128(reinterpret_cast<const __m128i *>(at));
}
__m128i equal(__m128i vector, char c) {
    return _mm_cmpeq_epi8(vector, _mm_set1_epi8(c));
}
std::uint64_t bits_of(__m128i matches) {
    return static_cast<std::uint32_t>(_mm_movemask_epi8(matches));
}

// The bit 0x20 is all that `[` and `{`, `]` and `}` differ in.
BlockBits bits_of_block(const char *at) {
    BlockBits bits;
    for (int shift = 0; shift < kBlockBytes; shift += kVectorBytes) {
        const auto vector = vector_at(at + shift);
        const auto folded = _mm_or_si128(vector, _mm_set1_epi8(0x20));
        bits.quotes |= bits_of(equal(vector, '"')) << shift;
        bits.backslashes |= bits_of(equal(vector, '\\')) << shift;
        bits.commas |= bits_of(equal(vector, ',')) << shift;
        bits.brackets |= bits_of(_mm_or_si128(equal(folded, '{'), equal(folded, '}'))) << shift;
    }
    return bits;
}
#else
BlockBits bits_of_block(const char *at) {
    BlockBits bits;
    for (int i = 0; i < kBlockBytes; ++i) {
        const char c = at[i], folded = static_cast<char>(c | 0x20);
        const auto bit = std::uint64_t{1} << i;
        bits.quotes |= c == '"' ? bit : 0;
        bits.backslashes |= c == '\\' ? bit : 0;
        bits.commas |= c == ',' ? bit : 0;
        bits.brackets |= folded == '{' || folded == '}' ? bit : 0;
    }
    return bits;
}
#endif

// Each bit is the parity of the bits up to it: of quotes, the bytes from an opening one up to the closing.
std::uint64_t parities(std::uint64_t bits) {
    for (int shift = 1; shift < 64; shift *= 2)
        bits ^= bits << shift;
    return bits;
}

// The bits behind backslashes that escape. `first`: 1 if the first byte is escaped; becomes that of the next
// block.
std::uint64_t escaped_bits(std::uint64_t backslashes, std::uint64_t &first) {
    std::uint64_t escaped = first;
    backslashes &= ~first;
    first = 0;
    while (backslashes != 0) {
        const int at = std::countr_zero(backslashes);
        const std::uint64_t behind = (std::uint64_t{1} << at) << 1;
        first = behind == 0 ? 1 : 0;
        escaped |= behind;
        backslashes &= ~((std::uint64_t{1} << at) | behind);
    }
    return escaped;
}

// The first `"` or `\`, or the end.
const char *find_string_special(const char *at, const char *end) {
#if defined(__SSE2__)
    for (; end - at >= kVectorBytes; at += kVectorBytes) {
        const auto vector = vector_at(at);
        if (auto bits = bits_of(_mm_or_si128(equal(vector, '"'), equal(vector, '\\'))); bits != 0)
            return at + std::countr_zero(bits);
    }
#endif
    while (at != end && *at != '"' && *at != '\\')
        ++at;
    return at;
}

std::uint32_t hex_value(std::string_view digits) {
    std::uint32_t value = 0;
    for (char c : digits)
        value = 16 * value + static_cast<std::uint32_t>(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
    return value;
}

std::string_view between(const char *begin, const char *end) {
    return {begin, static_cast<std::size_t>(end - begin)};
}

} // namespace

const char *skip_string(const char *at, const char *end) {
    if (at == end)
        return end;
    for (++at;;) {
        at = find_string_special(at, end);
        if (at == end)
            return end;
        if (*at == '"')
            return at + 1;
        at += std::min<std::ptrdiff_t>(2, end - at);
    }
}

const char *skip_value(const char *at, const char *end) {
    if (at != end && *at == '"')
        return skip_string(at, end);
    if (at != end && StructureCursor::is_opening(*at)) {
        StructureCursor cursor(at, end);
        cursor.next();
        return cursor.end_of_container();
    }
    while (at != end && *at != ',' && *at != ']' && *at != '}')
        ++at;
    return at;
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

bool StructureCursor::load_block() {
    if (next_block_ == end_)
        return false;
    block_ = next_block_;
    const auto size = std::min(kBlockBytes, end_ - block_);
    next_block_ += size;
    BlockBits bits;
    if (size == kBlockBytes) {
        bits = bits_of_block(block_);
    } else {
        std::array<char, kBlockBytes> padded{};
        std::memcpy(padded.data(), block_, static_cast<std::size_t>(size));
        bits = bits_of_block(padded.data());
    }
    if ((bits.backslashes | escaped_) != 0)
        bits.quotes &= ~escaped_bits(bits.backslashes, escaped_);
    const auto strings = parities(bits.quotes) ^ in_string_;
    in_string_ = (strings >> (kBlockBytes - 1)) != 0 ? ~std::uint64_t{0} : 0;
    brackets_ = bits.brackets & ~strings;
    commas_ = bits.commas & ~strings;
    return true;
}

const char *StructureCursor::end_of_container() {
    for (std::size_t depth = 1;;) {
        const char *at = next_bracket();
        if (at == end_)
            return end_;
        depth += is_opening(*at) ? 1 : static_cast<std::size_t>(-1);
        if (depth == 0)
            return at + 1;
    }
}

const char *StructureCursor::end_of_value() {
    const char *at = next();
    while (at != end_ && is_opening(*at)) {
        end_of_container();
        at = next();
    }
    return at;
}

bool MemberReader::next() {
    if (value_ == nullptr)
        value_end_ = cursor_.next();
    else if (value_end_ == nullptr)
        value_end_ = cursor_.end_of_value();
    // Behind `{` or `,` is a name, unless the object is empty.
    const bool more = value_end_ != end_ && *value_end_ == (value_ == nullptr ? '{' : ',');
    if (!more || end_ - value_end_ < 2 || value_end_[1] != '"')
        return false;
    const char *key = value_end_ + 1;
    const char *key_end = skip_string(key, end_);
    if (key_end == end_ || *key_end != ':')
        return false;
    key_text_ = between(key, key_end);
    value_ = key_end + 1;
    value_end_ = nullptr;
    return true;
}

std::string_view MemberReader::value() {
    if (value_end_ == nullptr)
        value_end_ = cursor_.end_of_value();
    return between(value_, value_end_);
}

bool ElementReader::next() {
    if (value_ == nullptr)
        value_end_ = cursor_.next();
    else if (value_end_ == nullptr)
        value_end_ = cursor_.end_of_value();
    const bool more = value_end_ != end_ && *value_end_ == (value_ == nullptr ? '[' : ',');
    if (!more || end_ - value_end_ < 2 || value_end_[1] == ']')
        return false;
    value_ = value_end_ + 1;
    value_end_ = nullptr;
    return true;
}

std::string_view ElementReader::value() {
    if (value_end_ == nullptr)
        value_end_ = cursor_.end_of_value();
    return between(value_, value_end_);
}

} // namespace divan::json
