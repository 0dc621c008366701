#pragma once

// Cross-origin requests, by CouchDB's rules (chttpd_cors): off unless [chttpd] enable_cors.

#include "api/call.h"

namespace divan::api {

// Adds the CORS fields to the call's common headers. The answer to a preflight request, if it is one.
[[nodiscard]] std::optional<net::ResponseHead> apply_cors(Call &call);

} // namespace divan::api
