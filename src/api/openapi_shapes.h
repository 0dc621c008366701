#pragma once

// What the operations of the route table take and answer when they succeed, for the description.
// openapi_test.cc holds it against the table, tests/documents/test_openapi.py against real answers.

#include <span>
#include <string_view>

namespace divan::api {

// A body is written "Schema", "media/type" or "media/type Schema"; without a media type it is
// application/json. Several bodies are separated by commas.
struct Shape {
    std::string_view method;
    std::string_view pattern; // as in the route table
    // The bodies it takes; empty: none.
    std::string_view takes;
    // The answers, each a status and a body: "200 Document, 304".
    std::string_view answers;
};

// Null if none is given: an operation that never succeeds, because the API refuses it.
[[nodiscard]] const Shape *find_shape(std::string_view method, std::string_view pattern);
[[nodiscard]] std::span<const Shape> all_shapes();
// The schemas that shapes name, as a JSON object.
[[nodiscard]] std::string_view openapi_schemas();

} // namespace divan::api
