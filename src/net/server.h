#pragma once

// The HTTP server: listeners, connections, limits, graceful stop. Knows no routes.

#include "net/http.h"

#include <functional>

namespace divan::net {

struct ServerOptions {
    std::size_t thread_count = 2;
    std::size_t connections_max = 2'048;          // further ones are answered 503 and closed
    std::size_t header_bytes_max = 16'384;        // 431 beyond
    std::size_t target_bytes_max = 8'192;         // 414 beyond
    std::uint64_t body_bytes_max = 4'294'967'296; // 413 beyond
    Millis header_timeout{30'000};                // to send a request's head once it has begun; 408
    Millis body_timeout{60'000};                  // without any byte of a body; 408
    Millis write_timeout{60'000};                 // without the client taking any byte
    Millis keep_alive_timeout{300'000};
    Millis drain_timeout{10'000}; // for requests under way when the server stops
};

struct ListenAddress {
    std::string address;    // "127.0.0.1", "::1", "0.0.0.0"
    std::uint16_t port = 0; // 0 = any free one
};

class Server {
  public:
    // Handles one request. It must send or start a response; if it returns without, the server
    // answers 500. Runs on the connection's executor; many run at once.
    using Handler = std::function<Task<void>(Exchange &)>;
    // Makes the response to a request that never reached the handler (bad syntax, limits,
    // timeouts), so that its body has the same form as every other.
    using ErrorResponse = std::function<std::pair<ResponseHead, std::string>(const Error &)>;

    Server(ServerOptions options, Handler handler, ErrorResponse error_response);
    ~Server(); // stops

    // Binds and begins to accept. Errors: bad_request with the reason (address in use, no rights).
    // Returns the port that was bound.
    Result<std::uint16_t> listen(const ListenAddress &address);

    // Stops accepting, wakes waiting handlers with Wake::closed, lets the others finish for
    // drain_timeout, closes. Blocks until all handlers have returned. Idempotent.
    void stop();

    // Runs something after a while on a network thread (timers for housekeeping).
    void post_after(Millis delay, UniqueFunction<void()> work);

    [[nodiscard]] std::size_t connection_count() const;

  private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

} // namespace divan::net
