#pragma once

// What a function threw, in CouchDB's words.

#include "script/pool.h"

#include <jsapi.h>
#include <string_view>

namespace divan::script {

// Takes the pending exception. What a function says by the ways that CouchDB has for it is passed on as it
// is: {forbidden: reason}, {unauthorized: reason}, {error: word, reason: reason}, ["error", word, reason],
// ["fatal", word, reason]. Anything else is a fault of the function, whose name comes first in the reason;
// the word is the name of the error's class ("TypeError"), or "unknown_error".
[[nodiscard]] FunctionError describe_exception(JSContext *cx, std::string_view name);

} // namespace divan::script
