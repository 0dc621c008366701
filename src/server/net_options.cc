#include "server/net_options.h"

namespace divan::server {

net::ServerOptions server_options(const config::Config &config) {
    auto size = [&](std::string_view key) { return static_cast<std::size_t>(config.integer("divan", key)); };
    auto milliseconds = [&](std::string_view key) { return Millis(config.integer("divan", key)); };
    net::ServerOptions options;
    options.thread_count = size("io_thread_count");
    options.connections_max = size("connections_max");
    options.header_bytes_max = size("header_bytes_max");
    options.target_bytes_max = size("target_bytes_max");
    options.body_bytes_max = static_cast<std::uint64_t>(config.integer("chttpd", "max_http_request_size"));
    options.handshake_timeout = milliseconds("tls_handshake_timeout_ms");
    options.header_timeout = milliseconds("header_timeout_ms");
    options.body_timeout = milliseconds("body_timeout_ms");
    options.write_timeout = milliseconds("write_timeout_ms");
    options.keep_alive_timeout = milliseconds("keep_alive_timeout_ms");
    options.drain_timeout = milliseconds("drain_timeout_ms");
    return options;
}

net::HttpClientOptions http_client_options(const config::Config &config) {
    net::HttpClientOptions options;
    options.keep_alive_timeout = Millis(config.integer("replicator", "keep_alive_timeout") * 1'000);
    options.idle_connections_max = 0;
    if (config.boolean("replicator", "connection_pooling"))
        options.idle_connections_max =
            static_cast<std::size_t>(config.integer("replicator", "idle_connections_max"));
    return options;
}

std::uint64_t replication_bytes_per_second(const config::Config &config) {
    return static_cast<std::uint64_t>(config.integer("replicator", "kilobytes_per_second_total")) * 1'000;
}

} // namespace divan::server
