#pragma once

// Handlers of queries of a whole database that partition_routes.cc also serves for one partition.

#include "api/call.h"

namespace divan::api {

// listing_routes.cc
Task<Result<void>> get_all_docs(Call &call);
Task<Result<void>> post_all_docs(Call &call);
Task<Result<void>> post_all_docs_queries(Call &call);
// view_routes.cc
Task<Result<void>> get_view(Call &call);
Task<Result<void>> post_view(Call &call);
Task<Result<void>> post_view_queries(Call &call);
// list_routes.cc
Task<Result<void>> get_list(Call &call);
Task<Result<void>> post_list(Call &call);

inline constexpr char kViewMethods[] = "GET,POST,HEAD";

} // namespace divan::api
