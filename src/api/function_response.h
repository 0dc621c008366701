#pragma once

// Responses that functions of design documents make (chttpd_external:parse_external_response): shows, lists,
// updates.

#include "base/result.h"
#include "net/http.h"

#include <optional>
#include <string>
#include <string_view>

namespace divan::api {

struct FunctionResponse {
    net::ResponseHead head; // with a content type, and a policy for browsers unless it is JSON
    std::string body;
};

// Reads {"code", "headers", and "body", "base64" or "json"}; `stop` is ignored. `policy`: the
// Content-Security-Policy of what is not JSON; nullopt: none. Fields that belong to the
// connection (Content-Length and the like) are left out. Errors: function_failed "external_response_error"
// for anything else, also for a field that no HTTP response can have.
[[nodiscard]] Result<FunctionResponse> read_function_response(std::string_view json,
                                                              const std::optional<std::string> &policy);

} // namespace divan::api
