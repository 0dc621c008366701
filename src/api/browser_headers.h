#pragma once

// What answers tell browsers about themselves: [csp], [x_frame_options], [ssl] hsts_max_age.

#include "api/call.h"

#include <optional>
#include <string>
#include <string_view>

namespace divan::api {

// The Content-Security-Policy of answers of a kind, by CouchDB's names (chttpd_util:maybe_add_csp_header):
// "attachments", "showlist" (what functions answer) and "utils". nullopt: they carry none.
[[nodiscard]] std::optional<std::string> content_security_policy(const config::Config &config,
                                                                 std::string_view kind);

// Adds what all answers carry: X-Frame-Options if [chttpd] enable_xframe_options (chttpd_xframe_options), and
// over TLS Strict-Transport-Security (RFC 6797).
void add_browser_headers(const Call &call, net::Headers &headers);

} // namespace divan::api
