#pragma once

// Typed query parameters, with CouchDB's two habits: view-like endpoints refuse what they cannot read,
// document endpoints ignore everything but the literal `true`.

#include "api/call.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace divan::api {

// The literal `true`; anything else is false (chttpd_db:parse_doc_query).
[[nodiscard]] bool is_true(const net::Query &query, std::string_view name);

// Errors: query_parse_error with CouchDB's texts.
[[nodiscard]] Result<bool> parse_view_boolean(std::string_view name, std::string_view value);
[[nodiscard]] Result<std::uint64_t> parse_count(std::string_view name, std::string_view value);

// Whether the value of `w` asks for more copies of a write than the one that there is: it is answered with
// 202 then. What is no number is ignored.
[[nodiscard]] bool asks_for_copies(std::string_view w);

} // namespace divan::api
