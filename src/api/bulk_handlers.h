#pragma once

// The handlers of bulk requests that have a file of their own. bulk_routes.cc has the routes.

#include "api/call.h"

namespace divan::api {

// The array `docs` of a request's body. Errors: bad_request.
[[nodiscard]] Result<const json::Array *> find_docs(const json::Value &value);

// bulk_docs.cc: POST /{db}/_bulk_docs
Task<Result<void>> post_bulk_docs(Call &call);

// bulk_get.cc: POST /{db}/_bulk_get
Task<Result<void>> post_bulk_get(Call &call);

} // namespace divan::api
