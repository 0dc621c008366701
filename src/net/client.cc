#include "net/client.h"

#include "net/absolute_url.h"
#include "net/socket_loop.h"

#include <fmt/format.h>
#include <future>
#include <optional>

namespace divan::net {
namespace {

Error bad_url(std::string_view what) {
    return {
        ErrorCode::bad_request,
        fmt::format("The URL of a server has the form http://NAME:PASSWORD@HOST:PORT, or https; {}.", what)};
}

} // namespace

Result<ServerUrl> ServerUrl::parse(std::string_view text) {
    auto read = AbsoluteUrl::parse(text);
    if (!read.ok())
        return bad_url(read.error().reason());
    if (read->scheme != "http" && read->scheme != "https")
        return bad_url("http:// is missing");
    ServerUrl url;
    url.tls = read->scheme == "https";
    url.host = std::move(read->host);
    url.port = read->port;
    url.path = std::move(read->path);
    url.user = std::move(read->user);
    url.password = std::move(read->password);
    return url;
}

std::string ServerUrl::shown() const {
    return fmt::format("{}://{}{}", tls ? "https" : "http", authority(host, port), path);
}

class Client::Impl {
  public:
    Impl(ServerUrl url, ClientOptions options)
        : url_(std::move(url)), options_(std::move(options)), loop_(clock_),
          client_(make_http_client(loop_)) {
        destination_.tls = url_.tls;
        destination_.host = url_.host;
        destination_.port = url_.port;
        destination_.tls_options = options_.tls_options;
    }

    ~Impl() { loop_.stop(); }

    Result<ClientResponse> send(const ClientRequest &request) {
        std::optional<Result<ClientResponse>> answer;
        std::promise<void> done;
        loop_.post([&] { spawn(run(request, answer), [&done] { done.set_value(); }); });
        done.get_future().wait();
        return std::move(*answer);
    }

  private:
    OutgoingRequest to_outgoing(const ClientRequest &request) const {
        OutgoingRequest outgoing;
        outgoing.method = request.method;
        outgoing.target = url_.path + request.target;
        outgoing.headers.add("Accept", "application/json");
        if (!url_.user.empty())
            outgoing.headers.add("Authorization", basic_credentials(url_.user, url_.password));
        if (!request.body.empty())
            outgoing.headers.add("Content-Type", "application/json");
        for (const auto &[name, value] : request.headers)
            outgoing.headers.set(name, value);
        outgoing.body = request.body;
        outgoing.repeatable = request.method == "GET" || request.method == "HEAD";
        outgoing.connect_timeout = options_.connect_timeout;
        outgoing.idle_timeout = options_.answer_timeout;
        return outgoing;
    }

    Task<void> run(const ClientRequest &request, std::optional<Result<ClientResponse>> &answer) {
        Cancellation cancellation;
        auto limit = loop_.after(options_.connect_timeout + options_.answer_timeout,
                                 [&cancellation] { cancellation.cancel(); });
        auto got = co_await exchange(request, cancellation);
        if (!got.ok() && got.error().code() == ErrorCode::cancelled)
            got = Error(ErrorCode::request_timeout, fmt::format("{} does not answer in time.", url_.shown()));
        answer = std::move(got);
    }

    Task<Result<ClientResponse>> exchange(const ClientRequest &request, Cancellation &cancellation) {
        auto outgoing = to_outgoing(request);
        auto incoming = co_await client_->send(destination_, std::move(outgoing), cancellation);
        if (!incoming.ok())
            co_return incoming.error();
        ClientResponse response;
        response.status = (*incoming)->status();
        response.headers = (*incoming)->headers();
        auto body = co_await (*incoming)->read_all(options_.body_bytes_max);
        if (!body.ok() && body.error().code() == ErrorCode::too_large)
            co_return Error(ErrorCode::too_large,
                            fmt::format("{} answers with more bytes than are taken.", url_.shown()));
        if (!body.ok())
            co_return body.error();
        response.body = std::move(*body);
        co_return std::move(response);
    }

    const ServerUrl url_;
    const ClientOptions options_;
    Destination destination_;
    SystemClock clock_;
    SocketLoop loop_;
    std::unique_ptr<HttpClient> client_;
};

Client::Client(ServerUrl url, ClientOptions options)
    : impl_(std::make_unique<Impl>(std::move(url), std::move(options))) {}

Client::~Client() = default;

Result<ClientResponse> Client::send(const ClientRequest &request) {
    return impl_->send(request);
}

} // namespace divan::net
