#include "db/value_header.h"

namespace divan::db {
namespace {

constexpr std::uint8_t kVersion = 1;
constexpr std::uint8_t kPlainKey = 0;

// From here on every read answers zero or empty.
void fail(ByteReader &reader) {
    reader.bytes(~std::uint64_t{0});
}

} // namespace

void append_value_header(std::string &out, std::uint8_t flags) {
    append_u8(out, kVersion);
    append_u8(out, flags);
    append_varint(out, kPlainKey);
}

std::uint8_t read_value_header(ByteReader &reader) {
    auto version = reader.u8();
    auto flags = reader.u8();
    auto key = reader.varint();
    if (version != kVersion || key != kPlainKey)
        fail(reader);
    return flags;
}

std::size_t read_value_count(ByteReader &reader, std::string_view value) {
    auto count = reader.varint();
    if (count > value.size()) {
        fail(reader);
        return 0;
    }
    return static_cast<std::size_t>(count);
}

} // namespace divan::db
