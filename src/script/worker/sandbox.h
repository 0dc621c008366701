#pragma once

// Locks the process in: afterwards it can compute, use memory up to a limit, and talk over the descriptors
// it has. Nothing else, not even through a hole in the JavaScript engine.

#include <cstddef>

namespace divan::script {

// Bytes of data (heap, private mappings) that the process may have beyond what it has now. All threads of the
// process are locked in. false: the system refuses, see errno.
[[nodiscard]] bool enter_sandbox(std::size_t data_bytes_max);

// Bytes of data that the process has; works in the sandbox after a first call before it. 0: unknown.
[[nodiscard]] std::size_t data_bytes();

} // namespace divan::script
