#pragma once

// Reads one end of a replication (Endpoint in replication.h).

#include "replication/replication.h"

namespace divan::replication {

// `value`: "db" (decoded if it is percent-encoded), a URL, or {"url", "headers", "auth"}; null: there is
// none. `proxy` applies to remote ends. Errors: bad_request "invalid_replication" and CouchDB's texts, never
// with the URL, which may hold a password.
[[nodiscard]] Result<Endpoint> read_endpoint(const json::Value *value, const std::optional<net::Proxy> &proxy,
                                             const config::Config &config);

// "http://NAME:PASSWORD@HOST:PORT"; nothing = "" or none. Errors: as read_endpoint().
[[nodiscard]] Result<std::optional<net::Proxy>> read_proxy(const json::Value *value,
                                                           const config::Config &config);
// Without credentials: "http://host:port".
[[nodiscard]] std::string shown_proxy(const Endpoint &endpoint);

[[nodiscard]] Error invalid_replication(std::string reason);

} // namespace divan::replication
