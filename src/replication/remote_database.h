#pragma once

// Requests to one remote database: who asks (Basic, session cookie, bearer token), when (retries, the pace of
// the host, budgets of bytes), and in which form (gzip between Divan nodes). Knows nothing of what is asked.
//
// Used on the replication loop only.

#include "base/event_loop.h"
#include "replication/peer.h"
#include "replication/remote_answer.h"
#include "replication/throttle.h"

#include <memory>
#include <optional>
#include <string>

namespace divan::replication {

struct RemoteRequest {
    std::string method = "GET";
    std::string path;  // behind the database's, encoded: "/_changes"; empty: the database
    std::string query; // without '?', encoded
    net::Headers headers = {};
    std::string body = {}; // JSON, unless a header says otherwise
    // Instead of `body`; such a request is not repeated.
    std::function<Task<Result<std::string>>()> stream = {};
    std::optional<std::uint64_t> stream_length = {};
    // Beside http_connections: what waits for changes must not hold up what copies them.
    bool own_connection = false;
    // Instead of the job's; outlives the answer.
    Cancellation *cancellation = nullptr;

    [[nodiscard]] bool repeats() const { return !stream; }
};

class RemoteDatabase {
  public:
    RemoteDatabase(PeerContext context, const Endpoint &endpoint);

    [[nodiscard]] const Endpoint &endpoint() const { return endpoint_; }
    [[nodiscard]] PeerContext &context() { return context_; }

    // Sends a request until it is answered with something else than 408, 429 and 5xx, or its retries are used
    // up. Errors: as net::HttpClient, and the error of the last answer.
    Task<Result<std::unique_ptr<RemoteAnswer>>> send(RemoteRequest request);

    // The same, with the answer's JSON; errors also for a status of 400 and more.
    Task<Result<json::Value>> ask(RemoteRequest request);

    // As replication::wait_to_retry(), for this end.
    Task<Result<bool>> wait_to_retry(std::uint64_t number, const Error &why);

    // Whether the other side stores attachments that come as gzip as what they are: known servers do.
    [[nodiscard]] bool takes_gzip_attachments() const { return takes_gzip_; }

  private:
    friend class RemoteAnswer;

    // `cookie` becomes the one that the request was sent with.
    Task<Result<std::unique_ptr<RemoteAnswer>>> send_once(const RemoteRequest &request, std::string &cookie);
    Task<Result<std::unique_ptr<net::IncomingResponse>>> send_in_turn(const RemoteRequest &request,
                                                                      std::string &cookie);
    // The next request signs in, unless another one has done so already.
    void forget_session(const std::string &cookie);
    Task<Result<void>> wait_for_turn();
    Task<Result<void>> sign_in();
    // Asks whether the cookie is still good. Errors: as net::HttpClient.
    Task<Result<bool>> signed_in();
    [[nodiscard]] net::OutgoingRequest session_request() const;
    [[nodiscard]] net::OutgoingRequest outgoing(const RemoteRequest &request);
    // Of a body that streams; counted and booked.
    Task<Result<std::string>> next_piece(const RemoteRequest &request);
    void authorize(net::Headers &headers) const;
    void learn(const net::IncomingResponse &response);
    [[nodiscard]] bool compresses() const;
    // Books bytes and waits as long as the budgets say.
    Task<Result<void>> book(std::uint64_t bytes);

    PeerContext context_;
    const Endpoint &endpoint_;
    std::shared_ptr<HostPace> pace_;
    Semaphore connections_;
    int compression_level_ = 0;
    bool divan_ = false;      // the other side says that it is one
    bool takes_gzip_ = false; // or a CouchDB
    bool use_cookie_ = false; // sign in with _session; until it turns out that this does not work
    std::string cookie_;
};

} // namespace divan::replication
