#pragma once

// Sources of functions as design documents have them.

#include <jsapi.h>
#include <string_view>

namespace divan::script {

// In the current realm: the function that `source` is or evaluates to. Takes any expression that is a
// function, a program whose last statement is one, and, as CouchDB, `function(doc) {...}` without a name
// where JavaScript wants a statement. `function` is null if it is something else. false: an exception is
// pending.
[[nodiscard]] bool compile_function(JSContext *cx, const char *name, std::string_view source,
                                    JS::MutableHandleObject function);

// In the current realm: function(module, exports, require) with `source` as its body.
[[nodiscard]] bool compile_module(JSContext *cx, const char *id, std::string_view source,
                                  JS::MutableHandleValue function);

} // namespace divan::script
