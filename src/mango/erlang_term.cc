#include "mango/erlang_term.h"

#include "base/bytes.h"

#include <algorithm>
#include <bit>

namespace divan::mango::erlang {
namespace {

// Tags.
constexpr std::uint8_t kNewFloat = 70, kSmallInteger = 97, kInteger = 98, kAtom = 100, kSmallTuple = 104,
                       kNil = 106, kString = 107, kList = 108, kBinary = 109, kSmallBig = 110;
constexpr std::size_t kByteListMax = 65'535;

void append_u16(std::string &out, std::size_t number) {
    append_u8(out, static_cast<std::uint8_t>(number >> 8));
    append_u8(out, static_cast<std::uint8_t>(number));
}

void append_binary(std::string &out, std::string_view bytes) {
    append_u8(out, kBinary);
    append_u32(out, static_cast<std::uint32_t>(bytes.size()));
    out.append(bytes);
}

void append_integer(std::string &out, std::int64_t number) {
    if (number >= 0 && number <= 255) {
        append_u8(out, kSmallInteger);
        append_u8(out, static_cast<std::uint8_t>(number));
    } else if (number >= INT32_MIN && number <= INT32_MAX) {
        append_u8(out, kInteger);
        append_u32(out, static_cast<std::uint32_t>(static_cast<std::int32_t>(number)));
    } else {
        auto magnitude =
            number < 0 ? 0 - static_cast<std::uint64_t>(number) : static_cast<std::uint64_t>(number);
        std::string bytes;
        for (; magnitude > 0; magnitude >>= 8)
            bytes.push_back(static_cast<char>(magnitude & 0xff));
        append_u8(out, kSmallBig);
        append_u8(out, static_cast<std::uint8_t>(bytes.size()));
        append_u8(out, number < 0 ? 1 : 0);
        out.append(bytes);
    }
}

// Integers beyond 64 bits are written as the double nearest to them: only the name differs then.
void append_number(std::string &out, const json::Value &value) {
    if (auto integer = value.as_int64())
        return append_integer(out, *integer);
    append_u8(out, kNewFloat);
    append_u64(out, std::bit_cast<std::uint64_t>(*value.as_double()));
}

// A list of small numbers is written as a string.
bool is_byte_list(const json::Array &array) {
    return array.size() <= kByteListMax && std::ranges::all_of(array, [](const json::Value &element) {
               auto number = element.as_int64();
               return number && *number >= 0 && *number <= 255;
           });
}

void append_array(std::string &out, const json::Array &array) {
    if (array.empty())
        return append_nil(out);
    if (is_byte_list(array)) {
        append_u8(out, kString);
        append_u16(out, array.size());
        for (const auto &element : array)
            append_u8(out, static_cast<std::uint8_t>(*element.as_int64()));
        return;
    }
    append_list(out, static_cast<std::uint32_t>(array.size()));
    for (const auto &element : array)
        append_json(out, element);
    append_nil(out);
}

} // namespace

void append_version(std::string &out) {
    append_u8(out, 131);
}

void append_atom(std::string &out, std::string_view name) {
    append_u8(out, kAtom);
    append_u16(out, name.size());
    out.append(name);
}

void append_tuple(std::string &out, std::uint8_t size) {
    append_u8(out, kSmallTuple);
    append_u8(out, size);
}

void append_list(std::string &out, std::uint32_t size) {
    append_u8(out, kList);
    append_u32(out, size);
}

void append_nil(std::string &out) {
    append_u8(out, kNil);
}

void append_json(std::string &out, const json::Value &value) {
    if (value.is_number())
        return append_number(out, value);
    if (value.is_string())
        return append_binary(out, value.string());
    if (value.is_array())
        return append_array(out, value.array());
    if (!value.is_object())
        return append_atom(out, value.is_null() ? "null" : value.is_true() ? "true" : "false");
    append_tuple(out, 1);
    if (value.object().empty())
        return append_nil(out);
    append_list(out, static_cast<std::uint32_t>(value.object().size()));
    for (const auto &[key, member] : value.object()) {
        append_tuple(out, 2);
        append_binary(out, key);
        append_json(out, member);
    }
    append_nil(out);
}

} // namespace divan::mango::erlang
