#pragma once

// One accepted connection: reads requests one after the other, runs the handler, writes responses.
// For the files of this module only. Everything happens on the connection's strand but for the
// calls that say otherwise.

#include "net/server.h"
#include "net/server_stream.h"

#include <atomic>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/buffer_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <chrono>
#include <memory>
#include <optional>

namespace divan::net {

namespace beast = boost::beast;
using SteadyTime = std::chrono::steady_clock::time_point;

// What connections share with their server. Outlives them.
struct ServerContext {
    ServerOptions options;
    Server::Handler handler;
    Server::ErrorResponse error_response;
    Server::Observer observer; // may be empty
    std::atomic<bool> stopping = false;
};

class Connection final : public std::enable_shared_from_this<Connection>,
                         public Exchange,
                         public BodyReader,
                         public Response,
                         public Executor {
  public:
    // `tls` may be null.
    Connection(Socket socket, ServerContext &context, std::shared_ptr<const ServerTls> tls,
               std::string remote_address);

    // Serves until the connection ends; `done` runs then.
    void start(UniqueFunction<void()> done);
    // Refuses the connection with 503.
    void refuse(UniqueFunction<void()> done);

    // Any thread: acts on a deadline that has passed; wakes what waits when the server stops.
    void check_deadline(SteadyTime now);
    void wake_to_stop();
    void close_now();

    // ---- Exchange
    [[nodiscard]] const RequestHead &head() const override { return head_; }
    [[nodiscard]] BodyReader &body() override { return *this; }
    [[nodiscard]] Response &response() override { return *this; }
    [[nodiscard]] Executor &executor() override { return *this; }
    Task<Wake> wait(std::shared_ptr<Event> event, Millis timeout) override;

    // ---- BodyReader
    Task<Result<std::string>> read_some(std::size_t bytes_max) override;
    [[nodiscard]] std::optional<std::uint64_t> length() const override;

    // ---- Response
    Task<Result<void>> send(ResponseHead head, std::string body) override;
    Task<Result<void>> start(ResponseHead head, std::optional<std::uint64_t> length) override;
    Task<Result<void>> write(std::string bytes) override;
    Task<Result<void>> finish() override;
    void abort() override;
    [[nodiscard]] bool started() const override { return status_ != 0; }
    [[nodiscard]] int status() const override { return status_; }
    [[nodiscard]] std::uint64_t bytes_sent() const override { return bytes_sent_; }

    // ---- Executor
    void post(UniqueFunction<void()> work) override;

  private:
    using Parser = beast::http::request_parser<beast::http::buffer_body>;
    enum class ReadOutcome : std::uint8_t { request, closed, refused };

    struct Waiting;

    Task<void> serve();
    Task<void> serve_requests();
    Task<bool> handshake();
    Task<ReadOutcome> read_head();
    Task<void> send_error(Error error);
    Task<void> end_request();
    Task<void> end_output();
    Task<void> linger();
    Task<Result<void>> write_raw(std::string first, std::string second);
    void take_head();
    std::string format_head(const ResponseHead &head, std::optional<std::uint64_t> length);
    void settle_keep_alive();
    void set_deadline(Millis after);
    void clear_deadline() { deadline_ = 0; }
    void watch_for_disconnect(const std::shared_ptr<Waiting> &waiting);
    void watch_socket(const std::shared_ptr<Waiting> &waiting);
    void watch_tls(const std::shared_ptr<Waiting> &waiting);

    ServerStream stream_;
    ServerContext &context_;
    const std::string remote_address_;
    beast::flat_buffer buffer_;
    std::optional<Parser> parser_;
    RequestHead head_;
    std::shared_ptr<const ClientCertificate> client_certificate_;
    bool tls_established_ = false;

    // Of the current request and response.
    int status_ = 0;
    bool chunked_ = false;
    bool head_request_ = false;
    bool keep_alive_ = false;
    bool broken_ = false;       // the connection cannot be used any more
    bool continue_due_ = false; // the client waits for "100 Continue"
    std::uint64_t bytes_sent_ = 0;

    std::atomic<std::int64_t> deadline_ = 0; // steady nanoseconds; 0 = none
    std::atomic<bool> timed_out_ = false;
    std::atomic<bool> idle_ = true; // between requests: may be closed at once
    std::shared_ptr<Waiting> waiting_;
};

} // namespace divan::net
