#include "net/client.h"

#include "base/encoding.h"

#include "net/socket_loop.h"

#include <charconv>
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

// HOST, HOST:PORT, [ADDRESS]:PORT
Result<void> read_authority(std::string_view text, ServerUrl &url) {
    std::string_view port;
    if (text.starts_with('[')) {
        auto bracket = text.find(']');
        if (bracket == std::string_view::npos)
            return bad_url("a bracket is missing");
        url.host = text.substr(1, bracket - 1);
        port = text.substr(bracket + 1);
    } else {
        auto colon = std::min(text.find(':'), text.size());
        url.host = text.substr(0, colon);
        port = text.substr(colon);
    }
    if (url.host.empty())
        return bad_url("the host is missing");
    if (port.empty())
        return {};
    port.remove_prefix(1);
    auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), url.port);
    if (error != std::errc() || end != port.data() + port.size() || url.port == 0)
        return bad_url("the port is not a number up to 65535");
    return {};
}

} // namespace

Result<ServerUrl> ServerUrl::parse(std::string_view text) {
    constexpr std::string_view kPlain = "http://";
    constexpr std::string_view kTls = "https://";
    ServerUrl url;
    url.tls = text.starts_with(kTls);
    if (!url.tls && !text.starts_with(kPlain))
        return bad_url("http:// is missing");
    text.remove_prefix(url.tls ? kTls.size() : kPlain.size());
    url.port = url.tls ? 443 : 80;
    auto slash = std::min(text.find('/'), text.size());
    url.path = text.substr(slash);
    while (url.path.ends_with('/'))
        url.path.pop_back();
    auto authority = text.substr(0, slash);
    if (auto at = authority.rfind('@'); at != std::string_view::npos) {
        auto credentials = authority.substr(0, at);
        auto colon = std::min(credentials.find(':'), credentials.size());
        auto user = percent_decode(credentials.substr(0, colon), false);
        auto password = percent_decode(credentials.substr(std::min(colon + 1, credentials.size())), false);
        if (!user || !password)
            return bad_url("the name or the password has a malformed escape");
        url.user = std::move(*user);
        url.password = std::move(*password);
        authority.remove_prefix(at + 1);
    }
    DIVAN_TRY_VOID(read_authority(authority, url));
    return url;
}

std::string ServerUrl::shown() const {
    bool address = host.find(':') != std::string::npos;
    return fmt::format("{}://{}{}{}:{}{}", tls ? "https" : "http", address ? "[" : "", host,
                       address ? "]" : "", port, path);
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
            outgoing.headers.add("Authorization", "Basic " + base64_encode(url_.user + ":" + url_.password));
        if (!request.body.empty())
            outgoing.headers.add("Content-Type", "application/json");
        for (const auto &[name, value] : request.headers)
            outgoing.headers.set(name, value);
        outgoing.body = request.body;
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
