#include "base/bytes.h"

#include <fmt/format.h>

namespace divan {
namespace {

template <typename Number> void append_big_endian(std::string &out, Number number) {
    for (int shift = static_cast<int>(sizeof(Number)) * 8 - 8; shift >= 0; shift -= 8)
        out.push_back(static_cast<char>(static_cast<unsigned char>(number >> shift)));
}

} // namespace

void append_u8(std::string &out, std::uint8_t number) {
    out.push_back(static_cast<char>(number));
}

void append_u32(std::string &out, std::uint32_t number) {
    append_big_endian(out, number);
}

void append_u64(std::string &out, std::uint64_t number) {
    append_big_endian(out, number);
}

void append_varint(std::string &out, std::uint64_t number) {
    while (number >= 0x80) {
        out.push_back(static_cast<char>((number & 0x7f) | 0x80));
        number >>= 7;
    }
    out.push_back(static_cast<char>(number));
}

void append_sized(std::string &out, std::string_view bytes) {
    append_varint(out, bytes.size());
    out.append(bytes);
}

std::uint32_t ByteReader::u32() {
    std::uint32_t number = 0;
    for (char c : bytes(4))
        number = (number << 8) | static_cast<unsigned char>(c);
    return number;
}

std::uint64_t ByteReader::u64() {
    std::uint64_t number = 0;
    for (char c : bytes(8))
        number = (number << 8) | static_cast<unsigned char>(c);
    return number;
}

std::uint64_t ByteReader::long_varint() {
    std::uint64_t number = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        auto byte = u8();
        if (!ok_)
            return 0;
        number |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
        if ((byte & 0x80) == 0)
            return number;
    }
    fail();
    return 0;
}

Result<void> ByteReader::finish(std::string_view what) const {
    if (ok_ && rest_.empty())
        return {};
    return Error(ErrorCode::corruption, fmt::format("Stored data is damaged: {}.", what));
}

std::string prefix_end(std::string_view prefix) {
    std::string end(prefix);
    while (!end.empty() && static_cast<unsigned char>(end.back()) == 0xff)
        end.pop_back();
    if (!end.empty())
        end.back() = static_cast<char>(static_cast<unsigned char>(end.back()) + 1);
    return end;
}

} // namespace divan
