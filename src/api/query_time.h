#pragma once

// How long a query of a view, a listing or a selector may take as a whole, waiting for its index included:
// [fabric] view_timeout, and partition_view_timeout in one partition, as in CouchDB.

#include "api/call.h"

namespace divan::api {

// As much of `pause` as fits; a wait of it ends past the limit, so that the check below sees it.
[[nodiscard]] Millis pause_in_query_time(const Call &call, Millis pause);
// Errors: CouchDB's "timeout" (500) when it is over; counts it. An answer that has begun is cut off.
[[nodiscard]] Result<void> check_query_time(const Call &call);

} // namespace divan::api
