#pragma once

// Short requests to the servers of an identity provider: key sets, its metadata, tokens.

#include "base/event_loop.h"
#include "base/result.h"
#include "net/http_client.h"

#include <string>
#include <string_view>

namespace divan::access {

// Where a document of a provider lies.
struct WebAddress {
    net::Destination destination; // without tls_options
    std::string target;           // path and query, encoded; begins with a slash
    std::string shown;            // for people: without the query, which may hold secrets

    // An https URL, or http of this machine itself, where nobody listens on the way. No credentials, no
    // fragment. Errors: bad_request with what is wrong, in words that end no sentence.
    [[nodiscard]] static Result<WebAddress> parse(std::string_view url);
};

struct WebLimits {
    Millis timeout{10'000}; // for everything, from looking up the name to the last byte
    std::size_t body_bytes_max = 256 * 1024;
    std::string ca_file; // PEM of whom to trust; empty: the system's
};

struct WebRequest {
    std::string method = "GET";
    std::string accept = "application/json";
    WebAddress address;
    net::Headers headers;
    std::string body;
    WebLimits limits;
};

struct WebAnswer {
    int status = 0;
    std::string body;
};

// Sends a request and reads its whole answer, whatever the status. Redirects are not followed: who can make a
// provider redirect must not choose where requests of this server go. On the loop of the client;
// `cancellation` is asked for nothing once this has ended. Errors: service_unavailable naming the address,
// cancelled.
Task<Result<WebAnswer>> send_web_request(EventLoop &loop, net::HttpClient &client, WebRequest request,
                                         Cancellation &cancellation);
// A GET that must be answered 200. Errors: also service_unavailable for every other status.
Task<Result<std::string>> fetch_document(EventLoop &loop, net::HttpClient &client, WebAddress address,
                                         WebLimits limits, Cancellation &cancellation,
                                         std::string accept = "application/json");
// What a login is answered when this is why it failed: service_unavailable naming the provider.
[[nodiscard]] Error unreachable_provider(std::string_view provider, const Error &why);

} // namespace divan::access
