#pragma once

// An HTTP/1.1 client for coroutines of one event loop: kept connections, TLS, proxies, gzip, bodies as
// streams in both directions. Knows nothing of what is asked.
//
// Used on its loop's thread only.

#include "base/event_loop.h"
#include "crypto/secret.h"
#include "net/http.h"

#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace divan::net {

struct TlsOptions {
    bool verify = true;                // the certificate's chain and its name (RFC 9525)
    std::string ca_file;               // PEM; empty: the system's. A file that has changed is read again.
    std::string certificate_file;      // of the client, PEM; empty: none
    std::string key_file;              // empty: in certificate_file
    crypto::SharedSecret key_password; // null or empty: none
    int chain_depth_max = 3;           // authorities between the certificate and the trusted one
    friend auto operator<=>(const TlsOptions &, const TlsOptions &) = default;
};

// "http://NAME:PASSWORD@HOST:PORT"
struct Proxy {
    std::string host;
    std::uint16_t port = 0;
    std::string user; // decoded; empty = no credentials
    std::string password;
    friend auto operator<=>(const Proxy &, const Proxy &) = default;
};

// Where a connection leads. Connections with equal destinations are shared.
struct Destination {
    bool tls = false;
    std::string host; // a name, or an address without brackets
    std::uint16_t port = 0;
    TlsOptions tls_options;     // with `tls`
    std::optional<Proxy> proxy; // http: absolute targets; https: CONNECT
    friend auto operator<=>(const Destination &, const Destination &) = default;
};

struct OutgoingRequest {
    std::string method = "GET";
    std::string target; // path and query, encoded
    // Host is added if it is missing. Content-Length, Transfer-Encoding, Expect and Proxy-Authorization are
    // the client's: those that are here are left out. "Accept-Encoding: gzip" is here if it is wanted.
    Headers headers;
    std::string body;
    // Instead of `body`: the next bytes, empty = the end. An error of it ends the exchange with that error,
    // and so does a stream that gives more or less than its length (bad_request). It is called until send()
    // ends: that waits for a call that is under way, whatever else happens, and its time counts as nobody's
    // silence.
    std::function<Task<Result<std::string>>()> stream;
    std::optional<std::uint64_t> stream_length; // nullopt: chunked
    Millis connect_timeout{30'000};             // to find the name, connect, and shake hands
    Millis idle_timeout{30'000};                // without any byte moving, in either direction
    // Whether it may be done twice: a kept connection that breaks before any byte of the answer does not tell
    // whether the server did it (RFC 9110, section 9.2.2).
    bool repeatable = true;
    bool expects_continue = false; // "Expect: 100-continue": a stream begins when the server says so, or
                                   // after a second
};

// An answer whose head has arrived. The body is without chunks, and inflated if it came as gzip. Destroyed
// before its end, it closes the connection; after it, the connection serves the next request.
// The cancellation of its request outlives it, and ends its reads. It may outlive its client, not the loop.
// Errors of read_some: bad_request (malformed chunks or gzip), service_unavailable (cut off),
// request_timeout, cancelled. The same error comes again.
class IncomingResponse : public BodyReader {
  public:
    [[nodiscard]] virtual int status() const = 0;
    [[nodiscard]] virtual const Headers &headers() const = 0;
    // As they came over the wire so far, without TLS.
    [[nodiscard]] virtual std::uint64_t received_bytes() const = 0;
};

class HttpClient {
  public:
    virtual ~HttpClient() = default;
    // Sends a request and waits for the head of its answer, whatever its status. A repeatable
    // request without a stream that a kept connection refuses before any byte of the answer goes through a
    // new one, once. An answer that comes before a stream has ended ends the stream. Errors:
    // service_unavailable (cannot find, connect, TLS, a file of TLS, closed, no HTTP: the reason says which,
    // never with credentials), request_timeout, cancelled, bad_request (a method, target or header that
    // cannot be sent), those of the stream.
    virtual Task<Result<std::unique_ptr<IncomingResponse>>>
    send(const Destination &destination, OutgoingRequest request, Cancellation &cancellation) = 0;
};

struct HttpClientOptions {
    std::size_t idle_connections_max = 64; // kept for all destinations together
    Millis keep_alive_timeout{60'000};     // unused ones are closed after it
};

class SocketLoop;

// Over sockets. `loop` outlives the client. Requests under way when it is destroyed go on. It may be
// destroyed on another thread once the loop has stopped.
[[nodiscard]] std::unique_ptr<HttpClient> make_http_client(SocketLoop &loop, HttpClientOptions options = {});

} // namespace divan::net
