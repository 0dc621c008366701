#pragma once

// [chttpd] authentication_handlers: which ways of logging in are asked, in which order.

#include "base/result.h"

#include <cstdint>
#include <string_view>
#include <vector>

namespace divan::access {

enum class Handler : std::uint8_t { cookie, password, proxy, jwt, certificate };

// As `_session` shows it: "cookie", "default", "proxy", "jwt", "certificate".
[[nodiscard]] std::string_view handler_name(Handler handler);

// Reads a list of such names, or CouchDB's form of it: {chttpd_auth, cookie_authentication_handler}, ...
// Errors: bad_request naming a handler that is not known: it must not open nor close a door silently.
[[nodiscard]] Result<std::vector<Handler>> parse_handlers(std::string_view text);

} // namespace divan::access
