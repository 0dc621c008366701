#pragma once

// Failures as CouchDB writes them: {"error":"<word>","reason":"<text>"}.

#include "base/error.h"
#include "net/http.h"

#include <string>
#include <utility>

namespace divan::api {

inline constexpr std::string_view kServerHeader = "CouchDB/3.5.2 (Divan/0.1.0)";

[[nodiscard]] std::string error_text(const Error &error);
// For requests that never reach a route.
[[nodiscard]] std::pair<net::ResponseHead, std::string> error_response(const Error &error);

} // namespace divan::api
