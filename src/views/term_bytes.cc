#include "views/number.h"
#include "views/reduce_functions.h"

#include <algorithm>

namespace divan::views {
namespace {

constexpr std::size_t kTagBytes = 1;
constexpr std::size_t kSizeBytes = 4;
constexpr std::size_t kListBytes = kTagBytes + kSizeBytes + 1; // with the empty list that ends it
constexpr std::size_t kTupleBytes = kTagBytes + 1;
constexpr std::size_t kByteListMax = 65'535;

std::size_t binary_bytes(std::string_view text) {
    return kTagBytes + kSizeBytes + text.size();
}

std::size_t atom_bytes(std::string_view name) {
    return kTagBytes + 2 + name.size();
}

std::size_t number_bytes(const json::Value &value) {
    auto number = Number::parse(value.number_text());
    return number ? number->term_bytes() : 0;
}

// A list of small numbers is written as a string.
bool is_byte_list(const json::Array &array) {
    return array.size() <= kByteListMax && std::ranges::all_of(array, [](const json::Value &element) {
               auto number = element.as_int64();
               return number && *number >= 0 && *number <= 255;
           });
}

std::size_t array_bytes(const json::Array &array) {
    if (array.empty())
        return kTagBytes;
    if (is_byte_list(array))
        return kTagBytes + 2 + array.size();
    auto bytes = kListBytes;
    for (const auto &element : array)
        bytes += term_bytes(element);
    return bytes;
}

// {[{Name, Value}, ...]}
std::size_t object_bytes(const json::Object &object) {
    auto bytes = kTupleBytes + (object.empty() ? kTagBytes : kListBytes);
    for (const auto &member : object)
        bytes += kTupleBytes + binary_bytes(member.key) + term_bytes(member.value);
    return bytes;
}

} // namespace

std::size_t term_bytes(const json::Value &value) {
    if (value.is_number())
        return number_bytes(value);
    if (value.is_string())
        return binary_bytes(value.string());
    if (value.is_array())
        return array_bytes(value.array());
    if (value.is_object())
        return object_bytes(value.object());
    return atom_bytes(value.is_null() ? "null" : value.is_true() ? "true" : "false");
}

} // namespace divan::views
