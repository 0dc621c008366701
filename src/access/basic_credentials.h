#pragma once

// Authorization: Basic (RFC 7617), read as couch_httpd_auth:basic_name_pw does.

#include "base/result.h"
#include "crypto/secret.h"

#include <optional>
#include <string>
#include <string_view>

namespace divan::access {

struct BasicCredentials {
    std::string name;
    crypto::Secret password;
};

// nullopt: another scheme, no colon, or "_:_", which says that nobody is logged in.
// Errors: bad_request for invalid base64.
[[nodiscard]] Result<std::optional<BasicCredentials>> parse_basic_credentials(std::string_view authorization);

} // namespace divan::access
