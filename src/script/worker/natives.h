#pragma once

// The functions that the host gives to programs. Written in C++, so that no change of a prototype reaches
// what they write.

#include <jsapi.h>

namespace divan::script {

// emit() and log() on the global object.
[[nodiscard]] bool define_globals(JSContext *cx, JS::HandleObject global);
// What the prelude alone gets: compileModule(source, id), library(), and of lists
// start(response), write(text), row().
[[nodiscard]] bool define_host(JSContext *cx, JS::HandleObject host);

} // namespace divan::script
