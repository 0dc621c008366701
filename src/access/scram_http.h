#pragma once

// SCRAM in HTTP headers (RFC 7804). Thread-safe: pure functions.
//
//   client                                          server
//   Authorization: SCRAM-SHA-256 realm="R",data=C1
//                                                   401, WWW-Authenticate: SCRAM-SHA-256 sid=S,data=S1
//   Authorization: SCRAM-SHA-256 sid=S,data=C2
//                                                   Authentication-Info: sid=S,data=S2

#include "base/result.h"

#include <optional>
#include <string>
#include <string_view>

namespace divan::access {

struct ScramCredentials {
    std::string realm;      // empty = absent
    std::string session_id; // sid; empty in the first message
    std::string message;    // data, decoded; not empty
};

// Reads the value of an Authorization header; nullopt for another scheme than SCRAM-SHA-256. Names are in
// either case, unknown parameters are ignored, and none may be there twice. Errors: bad_request; at most
// 8,192 bytes.
[[nodiscard]] std::optional<Result<ScramCredentials>> parse_scram_credentials(std::string_view authorization);

// The values of WWW-Authenticate that offer SCRAM, and that go on with a login.
[[nodiscard]] std::string scram_offer(std::string_view realm);
[[nodiscard]] std::string scram_challenge(std::string_view session_id, std::string_view message);
// The value of Authentication-Info that ends one.
[[nodiscard]] std::string scram_authentication_info(std::string_view session_id, std::string_view message);

} // namespace divan::access
