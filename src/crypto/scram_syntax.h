#pragma once

// Internal to crypto: the grammar of SCRAM's messages (RFC 5802, 7).

#include "base/result.h"

#include <optional>
#include <string>
#include <string_view>

namespace divan::crypto {

// `word` is one of RFC 5802's server-error-values.
[[nodiscard]] Error scram_error(ErrorCode code, std::string_view word, std::string_view reason);
// Not empty; printable ASCII but the comma.
[[nodiscard]] bool is_scram_nonce(std::string_view text);
// The standard alphabet with padding, and only the text that the encoder makes.
[[nodiscard]] std::optional<std::string> base64_decode_strict(std::string_view text);

struct ScramClientFinal {
    std::string_view without_proof; // inside the message
    std::string_view channel_binding;
    std::string_view nonce;
    std::string proof; // 32 bytes
};
[[nodiscard]] Result<ScramClientFinal> parse_scram_client_final(std::string_view message);

} // namespace divan::crypto
