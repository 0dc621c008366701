#pragma once

// JavaScript that runs in a realm before the program: what CouchDB's query server gives to functions.

#include <string_view>

namespace divan::script {

// An expression: function (global, host, renders) that defines the functions for programs on
// `global` and returns an object with those for the worker: show(fun, library, doc, request) and
// list(fun, library, head, request).
// `host` is that of define_host().
[[nodiscard]] std::string_view prelude_source();

} // namespace divan::script
