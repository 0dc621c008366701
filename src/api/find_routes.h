#pragma once

// Mango queries of a database or of one of its partitions.

#include "api/call.h"

#include <optional>
#include <string>

namespace divan::api {

// `partition`: of the path.
Task<Result<void>> answer_find(Call &call, std::optional<std::string> partition);
Task<Result<void>> answer_explain(Call &call, std::optional<std::string> partition);

} // namespace divan::api
