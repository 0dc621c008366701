#include "net/http_client.h"

#include "net/connection_pool.h"
#include "net/connector.h"
#include "net/request_writer.h"
#include "net/response.h"

namespace divan::net {
namespace {

using Answer = std::unique_ptr<IncomingResponse>;

// What requests under way share: it outlives the client.
struct Shared {
    Shared(SocketLoop &home, HttpClientOptions given) : loop(home), options(given) {}
    SocketLoop &loop;
    const HttpClientOptions options;
    TlsContexts contexts;
    std::shared_ptr<ConnectionPool> pool = std::make_shared<ConnectionPool>(loop, options);
};

struct Outcome {
    Result<Answer> answer;
    bool refused; // by a kept connection, before a byte came: another may take the request
};

// One request over a connection. `wire` is a kept one; null: makes a new one.
Task<Outcome> exchange(std::shared_ptr<Shared> shared, const Destination &destination, std::string &head,
                       OutgoingRequest &request, std::shared_ptr<Wire> wire, Cancellation &cancellation) {
    bool kept = wire != nullptr;
    auto made = std::make_unique<Link>(shared->loop, cancellation, show(destination));
    auto &link = *made;
    if (kept)
        link.use(std::move(wire));
    else {
        auto connected = co_await connect(link, destination, shared->contexts, request.connect_timeout);
        if (!connected.ok())
            co_return Outcome{connected.error(), false};
    }
    link.begin_exchange(request.idle_timeout);
    auto response = std::make_unique<SocketResponse>(std::move(made), request.method == "HEAD");
    RequestWriter writer(link, head, request);
    TaskGroup group(shared->loop);
    group.start(writer.run());
    std::function<void()> on_continue = [&writer] { writer.go_on(); };
    auto read = co_await response->read_head(on_continue);
    writer.stop();
    co_await group.join();
    if (writer.stream_error())
        co_return Outcome{*writer.stream_error(), false};
    if (!read.ok()) {
        bool refused = kept && request.repeatable && !request.stream && link.end() == Link::End::none &&
                       link.received_bytes() == 0;
        co_return Outcome{read.error(), refused};
    }
    std::shared_ptr<ConnectionPool> pool;
    if (writer.complete())
        pool = shared->pool;
    auto begun = response->begin_body(std::move(pool), destination);
    if (!begun.ok())
        co_return Outcome{begun.error(), false};
    co_return Outcome{Result<Answer>(std::move(response)), false};
}

Task<Result<Answer>> send_request(std::shared_ptr<Shared> shared, Destination destination,
                                  OutgoingRequest request, Cancellation &cancellation) {
    if (cancellation.cancelled())
        co_return ErrorCode::cancelled;
    if (!destination.tls)
        destination.tls_options = TlsOptions();
    DIVAN_CO_TRY(auto head, format_request_head(destination, request));
    auto kept = shared->pool->take(destination);
    auto outcome = co_await exchange(shared, destination, head, request, std::move(kept), cancellation);
    if (outcome.refused) {
        std::shared_ptr<Wire> none;
        outcome = co_await exchange(shared, destination, head, request, none, cancellation);
    }
    co_return std::move(outcome.answer);
}

class SocketHttpClient final : public HttpClient {
  public:
    SocketHttpClient(SocketLoop &loop, HttpClientOptions options)
        : shared_(std::make_shared<Shared>(loop, options)) {}
    SocketHttpClient(const SocketHttpClient &) = delete;
    SocketHttpClient &operator=(const SocketHttpClient &) = delete;
    ~SocketHttpClient() override { shared_->pool->close(); }

    Task<Result<Answer>> send(const Destination &destination, OutgoingRequest request,
                              Cancellation &cancellation) override {
        return send_request(shared_, destination, std::move(request), cancellation);
    }

  private:
    std::shared_ptr<Shared> shared_;
};

} // namespace

std::unique_ptr<HttpClient> make_http_client(SocketLoop &loop, HttpClientOptions options) {
    return std::make_unique<SocketHttpClient>(loop, options);
}

} // namespace divan::net
