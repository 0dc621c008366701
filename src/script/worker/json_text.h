#pragma once

// Values of JavaScript to JSON text and back, as JSON.stringify and JSON.parse do it. Numbers, strings,
// booleans and null never run code of the user; the toJSON() of objects may.

#include <cstddef>
#include <jsapi.h>
#include <string>
#include <string_view>

namespace divan::script {

// Parses UTF-8 JSON. false: an exception is pending.
[[nodiscard]] bool parse_json(JSContext *cx, std::string_view text, JS::MutableHandleValue value);

// Whether writing a value can run code of the user (an object or a BigInt).
[[nodiscard]] inline bool may_run_code(const JS::Value &value) {
    return value.isObject() || value.isBigInt();
}

// Appends the JSON text of a value; "null" for what JSON cannot say, as inside an array. Lone surrogates
// become U+FFFD, as CouchDB reads them. false: an exception is pending, and `out` may hold a part.
[[nodiscard]] bool append_json(JSContext *cx, std::string &out, JS::HandleValue value);

// Appends the text of a string in UTF-8, without quotes.
[[nodiscard]] bool append_utf8(JSContext *cx, std::string &out, JSString *string);

// The string of a text in UTF-8.
[[nodiscard]] JSString *new_string(JSContext *cx, std::string_view text);

// Appends text to `out`, of which `units` may hold surrogates that have no partner.
void append_utf8(std::string &out, std::u16string_view units);

} // namespace divan::script
