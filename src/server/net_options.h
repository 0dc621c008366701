#pragma once

// The settings of connections: those of clients, and those of replications.

#include "config/config.h"
#include "net/http_client.h"
#include "net/server.h"

#include <cstdint>

namespace divan::server {

[[nodiscard]] net::ServerOptions server_options(const config::Config &config);
// Of replications.
[[nodiscard]] net::HttpClientOptions http_client_options(const config::Config &config);
// Of all replications together; 0 = no limit.
[[nodiscard]] std::uint64_t replication_bytes_per_second(const config::Config &config);

} // namespace divan::server
