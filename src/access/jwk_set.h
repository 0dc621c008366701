#pragma once

// JSON Web Key Sets (RFC 7517): the keys that an issuer of tokens publishes.

#include "access/key_set.h"
#include "base/result.h"

#include <string>
#include <string_view>
#include <vector>

namespace divan::access {

struct JwkSetLimits {
    std::size_t bytes_max = 256 * 1024;
    std::size_t keys_max = 100;
};

struct JwkSet {
    KeySet keys;
    // Why keys were left out, one sentence each: "key 3 (kid abc): ...". Shows no key, and at most the start
    // of its id.
    std::vector<std::string> skipped;
};

// Reads a set. Keys for anything but signatures (`use`, `key_ops`) and of unknown kinds are skipped, as RFC
// 7517 asks; so are malformed and weak keys, a second key of the same family and id, private keys, which
// nobody should have published, and secrets (oct): whoever can read the set could sign with them. A key with
// `alg` is for this algorithm only. A key without `kid` is kDefaultKeyId, if no other key of its family is.
// Errors: bad_request for a text that is no set or beyond the limits. Thread-safe.
[[nodiscard]] Result<JwkSet> parse_jwk_set(std::string_view text, const JwkSetLimits &limits = {});

} // namespace divan::access
