#pragma once

// HTTP/1.1 as handlers see it: no sockets, no Beast, no routes.

#include "base/clock.h"
#include "base/event.h"
#include "base/executor.h"
#include "base/result.h"
#include "base/task.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace divan::net {

struct ClientCertificate; // net/server_tls.h

// Header fields in order; names compare without case (RFC 9110).
class Headers {
  public:
    void add(std::string name, std::string value);
    void set(std::string name, std::string value); // replaces all of that name
    void erase(std::string_view name);
    // The first value of that name.
    [[nodiscard]] std::optional<std::string_view> find(std::string_view name) const;
    [[nodiscard]] bool contains(std::string_view name) const { return find(name).has_value(); }
    [[nodiscard]] auto begin() const { return fields_.begin(); }
    [[nodiscard]] auto end() const { return fields_.end(); }

  private:
    std::vector<std::pair<std::string, std::string>> fields_;
};

[[nodiscard]] bool equal_without_case(std::string_view a, std::string_view b);

struct RequestHead {
    std::string method; // as sent; a HEAD stays HEAD
    std::string target; // as sent: path and query, still encoded
    Headers headers;
    std::string remote_address; // "127.0.0.1"
    bool tls = false;
    // What the client has proved to have, if the listener asks for it and it was verified; mostly null.
    std::shared_ptr<const ClientCertificate> client_certificate;

    [[nodiscard]] std::string_view raw_path() const;  // up to '?'
    [[nodiscard]] std::string_view raw_query() const; // behind '?', may be empty
};

// A body as a stream, without chunked framing. Of a request a content encoding (gzip) is left in.
// Read by one reader, on the executor of its connection.
class BodyReader {
  public:
    virtual ~BodyReader() = default;
    // The next bytes, at most `bytes_max`; empty = the end. Errors: bad_request (malformed framing or gzip),
    // request_timeout, cancelled (the client went away), too_large (the server's limit).
    virtual Task<Result<std::string>> read_some(std::size_t bytes_max) = 0;
    // Content-Length of an unencoded body, if there is one.
    [[nodiscard]] virtual std::optional<std::uint64_t> length() const = 0;

    // Everything. Errors: as read_some; too_large beyond `bytes_max`.
    Task<Result<std::string>> read_all(std::size_t bytes_max);
};

struct ResponseHead {
    int status = 200;
    Headers headers;
};

// Exactly one of send() or start() is called for a request. All calls on the connection's executor,
// one at a time. A failure (cancelled) means that the client is gone: give up.
// For HEAD the server drops body bytes itself and keeps Content-Length.
class Response {
  public:
    virtual ~Response() = default;
    // A whole response with Content-Length (none for 204 and 304).
    virtual Task<Result<void>> send(ResponseHead head, std::string body) = 0;
    // Begins a stream; with `length` it has Content-Length, otherwise it is chunked.
    // The head goes out at once.
    virtual Task<Result<void>> start(ResponseHead head, std::optional<std::uint64_t> length = {}) = 0;
    // Resumes when the socket took it: back-pressure.
    virtual Task<Result<void>> write(std::string bytes) = 0;
    virtual Task<Result<void>> finish() = 0;
    // Ends a stream that cannot be completed: the connection is closed without the final chunk.
    virtual void abort() = 0;

    [[nodiscard]] virtual bool started() const = 0;
    [[nodiscard]] virtual int status() const = 0; // 0 before send() or start()
    [[nodiscard]] virtual std::uint64_t bytes_sent() const = 0;
};

enum class Wake : std::uint8_t {
    event,   // notified
    timeout, // the time is over
    closed,  // the client went away or the server stops: end the response
};

// One request and its response.
class Exchange {
  public:
    virtual ~Exchange() = default;
    [[nodiscard]] virtual const RequestHead &head() const = 0;
    [[nodiscard]] virtual BodyReader &body() = 0;
    [[nodiscard]] virtual Response &response() = 0;
    // The connection's serial executor; the handler's coroutine runs on it.
    [[nodiscard]] virtual Executor &executor() = 0;
    // Waits for a notification, the time, or the end of the connection.
    virtual Task<Wake> wait(std::shared_ptr<Event> event, Millis timeout) = 0;
};

// The standard text of a status: "Not Found".
[[nodiscard]] std::string_view status_text(int status);

} // namespace divan::net
