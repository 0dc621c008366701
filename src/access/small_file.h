#pragma once

// Files that an administrator names: keys, certificates, metadata.

#include "base/result.h"

#include <string>

namespace divan::access {

// At most one byte more than `bytes_max`, so that what is too large is seen to be. Blocks. Errors:
// service_unavailable naming the file.
[[nodiscard]] Result<std::string> read_small_file(const std::string &path, std::size_t bytes_max);

} // namespace divan::access
