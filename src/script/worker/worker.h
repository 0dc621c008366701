#pragma once

// `divan script-worker`: the process that runs functions of design documents, for the pool of module
// `script`.

#include <span>
#include <string>

namespace divan::script {

// "102.15.1"
[[nodiscard]] std::string spidermonkey_version();

// Serves the socket that is descriptor 3 until the other side closes it; ends the process.
// `arguments`: those behind `script-worker`.
[[noreturn]] void run_worker(std::span<char *const> arguments);

} // namespace divan::script
