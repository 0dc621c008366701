#pragma once

// Makes new connections: names to addresses, TCP, a proxy's tunnel, TLS. For the files of this module only.

#include "net/link.h"

namespace divan::net {

// "https://host:5984", for people.
[[nodiscard]] std::string show(const Destination &destination);

// Connects `link` to `destination` within `limit`. Errors: service_unavailable, request_timeout, cancelled.
Task<Result<void>> connect(Link &link, const Destination &destination, TlsContexts &contexts, Millis limit);

} // namespace divan::net
