#include "base/encoding.h"

#include <array>
#include <cstdint>

namespace divan {
namespace {

constexpr std::string_view kHex = "0123456789abcdef";
constexpr std::string_view kBase64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::string_view kBase64Url = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
constexpr std::string_view kBase32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

int hex_digit(char c) {
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

std::string encode_base64(std::string_view bytes, std::string_view alphabet, bool padding) {
    std::string out;
    out.reserve((bytes.size() + 2) / 3 * 4);
    for (std::size_t i = 0; i < bytes.size(); i += 3) {
        std::size_t count = bytes.size() - i < 3 ? bytes.size() - i : 3;
        std::uint32_t group = 0;
        for (std::size_t j = 0; j < 3; ++j)
            group = (group << 8) | (j < count ? static_cast<unsigned char>(bytes[i + j]) : 0u);
        for (std::size_t j = 0; j <= count; ++j)
            out.push_back(alphabet[(group >> (18 - 6 * j)) & 63]);
        if (padding)
            out.append(3 - count, '=');
    }
    return out;
}

constexpr std::array<std::int8_t, 256> base64_table() {
    std::array<std::int8_t, 256> table{};
    table.fill(-1);
    for (std::size_t i = 0; i < 64; ++i) {
        table[static_cast<unsigned char>(kBase64[i])] = static_cast<std::int8_t>(i);
        table[static_cast<unsigned char>(kBase64Url[i])] = static_cast<std::int8_t>(i);
    }
    return table;
}

} // namespace

void append_hex(std::string &out, std::string_view bytes) {
    auto at = out.size();
    out.resize(at + bytes.size() * 2);
    for (char c : bytes) {
        auto byte = static_cast<unsigned char>(c);
        out[at++] = kHex[byte >> 4];
        out[at++] = kHex[byte & 15];
    }
}

std::string hex_encode(std::string_view bytes) {
    std::string out;
    append_hex(out, bytes);
    return out;
}

std::optional<std::string> hex_decode(std::string_view text) {
    if (text.size() % 2 != 0)
        return std::nullopt;
    std::string out;
    out.reserve(text.size() / 2);
    for (std::size_t i = 0; i < text.size(); i += 2) {
        int high = hex_digit(text[i]);
        int low = hex_digit(text[i + 1]);
        if (high < 0 || low < 0)
            return std::nullopt;
        out.push_back(static_cast<char>(high * 16 + low));
    }
    return out;
}

std::string base64_encode(std::string_view bytes) {
    return encode_base64(bytes, kBase64, true);
}

std::string base64_url_encode(std::string_view bytes) {
    return encode_base64(bytes, kBase64Url, false);
}

std::optional<std::string> base64_decode(std::string_view text) {
    static constexpr auto kTable = base64_table();
    std::string out;
    out.reserve(text.size() / 4 * 3 + 3);
    std::uint32_t group = 0;
    int bits = 0;
    std::size_t padding = 0;
    for (char c : text) {
        if (c == ' ' || c == '\t' || c == '\r' || c == '\n')
            continue;
        if (c == '=') {
            ++padding;
            continue;
        }
        auto digit = kTable[static_cast<unsigned char>(c)];
        if (digit < 0 || padding > 0)
            return std::nullopt;
        group = (group << 6) | static_cast<std::uint32_t>(digit);
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            out.push_back(static_cast<char>((group >> bits) & 0xff));
        }
    }
    if (padding > 2 || bits == 6)
        return std::nullopt;
    return out;
}

std::optional<std::string> base64_url_decode_strict(std::string_view text) {
    auto bytes = base64_decode(text);
    if (bytes && base64_url_encode(*bytes) != text)
        return std::nullopt;
    return bytes;
}

std::string base32_encode(std::string_view bytes) {
    std::string out;
    out.reserve((bytes.size() + 4) / 5 * 8);
    std::uint32_t group = 0;
    int bits = 0;
    for (char c : bytes) {
        group = (group << 8) | static_cast<unsigned char>(c);
        for (bits += 8; bits >= 5; bits -= 5)
            out.push_back(kBase32[(group >> (bits - 5)) & 31]);
    }
    if (bits > 0)
        out.push_back(kBase32[(group << (5 - bits)) & 31]);
    out.append((8 - out.size() % 8) % 8, '=');
    return out;
}

std::optional<std::string> base32_decode(std::string_view text) {
    auto padding = text.size() - (text.find_last_not_of('=') + 1);
    if (padding > 0 && (padding > 6 || text.size() % 8 != 0))
        return std::nullopt;
    text.remove_suffix(padding);
    // Of 8 digits 1, 3 or 6 end inside a byte that has hardly begun.
    if (auto rest = text.size() % 8; rest == 1 || rest == 3 || rest == 6)
        return std::nullopt;
    std::string out;
    out.reserve(text.size() * 5 / 8);
    std::uint32_t group = 0;
    int bits = 0;
    for (char c : text) {
        auto upper = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
        auto digit = kBase32.find(upper);
        if (digit == std::string_view::npos)
            return std::nullopt;
        group = (group << 5) | static_cast<std::uint32_t>(digit);
        bits += 5;
        if (bits >= 8) {
            bits -= 8;
            out.push_back(static_cast<char>((group >> bits) & 0xff));
        }
    }
    return out;
}

std::string percent_encode(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    for (char c : text) {
        bool unreserved = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
                          c == '-' || c == '.' || c == '_' || c == '~';
        if (unreserved) {
            out.push_back(c);
        } else {
            auto byte = static_cast<unsigned char>(c);
            out.push_back('%');
            out.push_back("0123456789ABCDEF"[byte >> 4]);
            out.push_back("0123456789ABCDEF"[byte & 15]);
        }
    }
    return out;
}

std::optional<std::string> percent_decode(std::string_view text, bool plus_is_space) {
    std::string out;
    out.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '%') {
            if (i + 2 >= text.size())
                return std::nullopt;
            int high = hex_digit(text[i + 1]);
            int low = hex_digit(text[i + 2]);
            if (high < 0 || low < 0)
                return std::nullopt;
            out.push_back(static_cast<char>(high * 16 + low));
            i += 2;
        } else if (text[i] == '+' && plus_is_space) {
            out.push_back(' ');
        } else {
            out.push_back(text[i]);
        }
    }
    return out;
}

bool is_utf8(std::string_view text) {
    for (std::size_t i = 0; i < text.size();) {
        auto byte = static_cast<unsigned char>(text[i]);
        std::size_t size = byte < 0x80       ? 1
                           : byte >> 5 == 6  ? 2
                           : byte >> 4 == 14 ? 3
                           : byte >> 3 == 30 ? 4
                                             : 0;
        if (size == 0 || i + size > text.size())
            return false;
        std::uint32_t code = size == 1 ? byte : byte & (0xffu >> (size + 1));
        for (std::size_t j = 1; j < size; ++j) {
            auto next = static_cast<unsigned char>(text[i + j]);
            if (next >> 6 != 2)
                return false;
            code = code << 6 | (next & 63);
        }
        constexpr std::uint32_t kSmallest[] = {0, 0, 0x80, 0x800, 0x10000};
        if (code < kSmallest[size] || code > 0x10ffff || (code >= 0xd800 && code < 0xe000))
            return false;
        i += size;
    }
    return true;
}

std::string to_utf8(std::string_view text) {
    if (is_utf8(text))
        return std::string(text);
    std::string out;
    for (char c : text)
        if (static_cast<unsigned char>(c) < 0x80)
            out.push_back(c);
        else
            out.append("\xef\xbf\xbd"); // U+FFFD
    return out;
}

} // namespace divan
