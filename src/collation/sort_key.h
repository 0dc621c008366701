#pragma once

// The order of view keys, as bytes: memcmp of two sort keys is CouchDB's comparison of two keys.
//
// Types: null < false < true < numbers < strings < arrays < objects. Numbers by value, integers exactly;
// strings by ICU's root collator with default attributes; arrays element by element, a prefix first; objects
// member by member in their stored order: name, then value, a prefix first. (CouchDB couch_ejson_compare.)
// Keys that compare equal have equal bytes: "e" + U+0301 and U+00E9, 1 and 1.0, 0 and -0.
//
// Order::raw is Erlang's term order, for views with {"collation": "raw"}: numbers < false < null < true <
// objects < arrays < strings, strings by bytes.
//
// A sort key ends itself: none is the prefix of another, so that more can be appended to it. The bytes depend
// on ICU's version: see collator_version().
//
// Threads: any.

#include "json/value.h"

#include <optional>
#include <string>
#include <string_view>

namespace divan::collation {

enum class Order : std::uint8_t { unicode, raw };

// Appends the sort key of a JSON text. REQUIRES: canonical text (json/writer.h), as json::parse gives it.
void append_sort_key(std::string &out, std::string_view json, Order order = Order::unicode);
void append_sort_key(std::string &out, const json::Value &value, Order order = Order::unicode);
[[nodiscard]] std::string sort_key(const json::Value &value, Order order = Order::unicode);

// <0, 0, >0: the same order, computed by ICU's comparison and without sort keys; slower. For tests and for
// the few values that are compared once.
[[nodiscard]] int compare(const json::Value &left, const json::Value &right, Order order = Order::unicode);

// Appends what the sort keys of all arrays begin with (Order::unicode), and of no other value: the keys of
// the first elements may follow it, to make the beginning that all arrays with these elements share.
void append_array_begin(std::string &out);

// Appends bytes so that they keep their order and end themselves (as a sort key does). At most twice as long
// and one more.
void append_bytes(std::string &out, std::string_view bytes);
// Takes what append_bytes() appended from the front of `in`; false if it is not such a text.
[[nodiscard]] bool take_bytes(std::string_view &in, std::string &bytes);
// What take_bytes() would take, where it stands in `in` as it is: nothing if some of it was changed, or if it
// is not such a text.
[[nodiscard]] std::optional<std::string_view> plain_bytes(std::string_view in);

// What sort keys depend on: version of ICU and of its collation data, "72.1/153.120". Stored with each index;
// another one makes it be built anew.
[[nodiscard]] const std::string &collator_version();
// For _versions: ("72.1", "153.120", "...").
struct CollatorInfo {
    std::string library_version;
    std::string collator_version;
    std::string algorithm_version;
};
[[nodiscard]] const CollatorInfo &collator_info();

} // namespace divan::collation
