#pragma once

// A client that blocks: for commands that talk to a server, one request after the other. An HttpClient with
// a loop of its own.
//
// Threads: one at a time for each Client.

#include "net/http_client.h"

#include <memory>
#include <string>
#include <string_view>

namespace divan::net {

// "http://NAME:PASSWORD@HOST:PORT/PREFIX", or https
struct ServerUrl {
    bool tls = false;
    std::string host;        // an address of IPv6 without its brackets
    std::uint16_t port = 80; // 443 with TLS, if the text names none
    std::string path;        // before every target; without a slash at its end
    std::string user;        // decoded; empty = no credentials
    std::string password;

    // Errors: bad_request with what is wrong; never shows the password.
    [[nodiscard]] static Result<ServerUrl> parse(std::string_view text);
    // Without credentials, for people: "https://HOST:PORT/PREFIX".
    [[nodiscard]] std::string shown() const;
};

struct ClientOptions {
    Millis connect_timeout{10'000};
    Millis answer_timeout{60'000};         // without any byte; with connect_timeout, the limit of the whole
    std::size_t body_bytes_max = 64 << 20; // inflated
    TlsOptions tls_options = {};           // with https
};

struct ClientRequest {
    std::string method = "GET";
    std::string target; // encoded, with its slash: "/db/_info"
    Headers headers = {};
    std::string body = {};
};

struct ClientResponse {
    int status = 0;
    Headers headers;
    std::string body;
};

class Client {
  public:
    explicit Client(ServerUrl url, ClientOptions options = {});
    ~Client();
    Client(const Client &) = delete;
    Client &operator=(const Client &) = delete;

    // Sends a request and waits for its answer, whatever the status. The connection is kept; when the server
    // has closed it meanwhile, a GET or HEAD goes through a new one.
    // Errors: service_unavailable (no connection, TLS, closed, no HTTP), request_timeout, too_large,
    // bad_request (a malformed body).
    Result<ClientResponse> send(const ClientRequest &request);

  private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

} // namespace divan::net
