#pragma once

// The key of the log: 64 hexadecimal digits in a file outside the data directory.

#include "base/random.h"
#include "base/result.h"
#include "crypto/secret.h"

#include <string>

namespace divan::audit {

// Errors: bad_request with what to do.
[[nodiscard]] Result<crypto::Secret> read_key_file(const std::string &path);
// As read_key_file(), but makes the file, readable by its owner only, if it is not there. Refuses one inside
// `data_directory` (empty: none): who can change the log must not find the key beside it.
[[nodiscard]] Result<crypto::Secret> open_key_file(const std::string &path, const std::string &data_directory,
                                                   Random &random);

} // namespace divan::audit
