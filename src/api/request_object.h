#pragma once

// The request as functions of design documents see it: `req` of filters, updates, shows, lists and rewrites
// (chttpd_external:json_req_obj).
//
// Credentials never reach a function: Authorization, Proxy-Authorization, Cookie and X-Auth-* are left out
// of `headers`, and `cookie` is empty (CVE-2023-45725).

#include "api/call.h"

#include <optional>
#include <string>

namespace divan::api {

struct RequestObjectParts {
    std::optional<std::string> document_id; // `id`; nothing = null
    // Nothing: the request has no body, and CouchDB says "undefined".
    std::optional<std::string> body;
    // Without `info`, `uuid`, `id` and `form`.
    bool for_rewrite = false;
};

// Its JSON text. May block on the engine. Errors: bad_request for a `key`, `startkey`, `endkey` or
// `descending` that is not JSON.
[[nodiscard]] Result<std::string> request_object(const Call &call, const RequestObjectParts &parts);

// Reads the body for it; nothing if the request has none. Errors: too_large beyond 64 MiB.
Task<Result<std::optional<std::string>>> read_function_body(Call &call);

} // namespace divan::api
