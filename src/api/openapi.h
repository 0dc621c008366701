#pragma once

// The description of the API, made of the route table.

#include <string>

namespace divan::api {

// OpenAPI 3.1, JSON, compact.
[[nodiscard]] std::string openapi_text();

} // namespace divan::api
