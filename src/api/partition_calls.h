#pragma once

// What routes of one partition share.

#include "api/router.h"

#include <string>

namespace divan::api {

// The name of the route's {partition}. Errors: bad_request if the database is not partitioned, or the query's
// `partition` is another one; illegal_partition.
[[nodiscard]] Result<std::string> require_partition(const Call &call);

// Serves a query of a whole database for the route's {partition}: as with `partition` in the URL.
template <Handler handler> Task<Result<void>> in_partition(Call &call) {
    auto partition = require_partition(call);
    if (!partition.ok())
        co_return partition.error();
    if (!call.query.find("partition"))
        call.query.add("partition", std::move(*partition));
    co_return co_await handler(call);
}

} // namespace divan::api
