#pragma once

// The HTTP server: listeners, connections, limits, graceful stop. Knows no routes.

#include "net/address_list.h"
#include "net/http.h"
#include "net/server_tls.h"

#include <functional>

namespace divan::net {

struct ServerOptions {
    std::size_t thread_count = 2;
    // Further ones are answered 503 and closed; those of TLS are closed before a handshake.
    std::size_t connections_max = 2'048;
    std::size_t header_bytes_max = 16'384;        // 431 beyond
    std::size_t target_bytes_max = 8'192;         // 414 beyond
    std::uint64_t body_bytes_max = 4'294'967'296; // 413 beyond
    Millis handshake_timeout{10'000};             // of TLS, from the first byte to the last
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

// What a listener does with those who connect.
struct ListenerOptions {
    std::shared_ptr<const ServerTls> tls; // null: plain
    AddressList allow;                    // if not empty, nobody else is admitted
    AddressList deny;                     // wins over `allow`
};

// A socket that is listened on. A handle: copies speak of the same listener. Thread-safe.
class Listener {
  public:
    [[nodiscard]] std::uint16_t port() const { return port_; }
    // For the connections that come from now on. A listener with TLS keeps having it: REQUIRES options.tls
    // then, and only then.
    void set_options(ListenerOptions options) const;

  private:
    friend class Server;
    struct State;
    Listener(std::uint16_t port, std::shared_ptr<State> state) : port_(port), state_(std::move(state)) {}
    std::uint16_t port_;
    std::shared_ptr<State> state_;
};

enum class ConnectionEvent : std::uint8_t {
    tls_established,    // a handshake has ended well
    tls_failed,         // it has not; the detail says why, as the end of a sentence
    address_refused,    // by the listener's lists
    too_many_of_address // more than connections_per_address_max
};

class Server {
  public:
    // Handles one request. It must send or start a response; if it returns without, the server
    // answers 500. Runs on the connection's executor; many run at once.
    using Handler = std::function<Task<void>(Exchange &)>;
    // Makes the response to a request that never reached the handler (bad syntax, limits,
    // timeouts), so that its body has the same form as every other.
    using ErrorResponse = std::function<std::pair<ResponseHead, std::string>(const Error &)>;

    // Told of what happens to connections before there is a request. Runs on network threads, many at once,
    // and must not block.
    using Observer = std::function<void(ConnectionEvent event, const std::string &remote_address,
                                        std::string_view detail)>;

    Server(ServerOptions options, Handler handler, ErrorResponse error_response, Observer observer = nullptr);
    ~Server(); // stops

    // Binds and begins to accept. Several listeners share threads, limits and handler.
    // Errors: bad_request with the reason (address in use, no rights).
    Result<Listener> listen(const ListenAddress &address, ListenerOptions options = {});

    // Connections that one address may have at a time, on all listeners together; further ones are closed. 0
    // = no limit, as at first. Thread-safe; those that are open stay.
    void set_connections_per_address_max(std::size_t count);

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
