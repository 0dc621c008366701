#include "net/client.h"

#include "base/encoding.h"

#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <charconv>
#include <fmt/format.h>
#include <optional>

namespace divan::net {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using asio::ip::tcp;
using boost::system::error_code;

Error bad_url(std::string_view what) {
    return {ErrorCode::bad_request,
            fmt::format("The URL of a server has the form http://NAME:PASSWORD@HOST:PORT; {}.", what)};
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
    constexpr std::string_view kScheme = "http://";
    if (text.starts_with("https://"))
        return bad_url("https is not spoken by this version");
    if (!text.starts_with(kScheme))
        return bad_url("http:// is missing");
    text.remove_prefix(kScheme.size());
    ServerUrl url;
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
    return fmt::format("http://{}{}{}:{}{}", address ? "[" : "", host, address ? "]" : "", port, path);
}

class Client::Impl {
  public:
    Impl(ServerUrl url, ClientOptions options) : url_(std::move(url)), options_(options) {}

    Result<ClientResponse> send(const ClientRequest &request) {
        bool reused = stream_.has_value();
        if (!reused) {
            DIVAN_TRY_VOID(connect());
        }
        auto answer = exchange(request);
        if (answer.ok())
            return answer;
        stream_.reset();
        if (!reused || request.method != "GET" || answer.error().code() != ErrorCode::service_unavailable)
            return answer;
        DIVAN_TRY_VOID(connect());
        answer = exchange(request);
        if (!answer.ok())
            stream_.reset();
        return answer;
    }

  private:
    // Runs one asynchronous operation to its end: only these keep time limits.
    template <typename Start> error_code run(Start start) {
        error_code result;
        start([&result](error_code error, auto &&...) { result = error; });
        context_.restart();
        context_.run();
        return result;
    }

    Error failed(std::string_view what, const error_code &error) const {
        if (error == beast::error::timeout)
            return {ErrorCode::request_timeout, fmt::format("{} does not answer in time.", url_.shown())};
        if (error == http::error::body_limit)
            return {ErrorCode::too_large,
                    fmt::format("{} answers with more bytes than are taken.", url_.shown())};
        return {ErrorCode::service_unavailable,
                fmt::format("{} {}: {}.", what, url_.shown(), error.message())};
    }

    Result<void> connect() {
        error_code error;
        tcp::resolver resolver(context_);
        auto places = resolver.resolve(url_.host, std::to_string(url_.port), error);
        if (error)
            return failed("Cannot find", error);
        stream_.emplace(context_);
        buffer_.clear();
        stream_->expires_after(options_.connect_timeout);
        error = run([&](auto done) { stream_->async_connect(places, std::move(done)); });
        if (!error)
            return {};
        stream_.reset();
        return failed("Cannot connect to", error);
    }

    http::request<http::string_body> to_message(const ClientRequest &request) const {
        http::request<http::string_body> message(http::verb::get, url_.path + request.target, 11);
        message.method_string(request.method);
        message.set(http::field::host, fmt::format("{}:{}", url_.host, url_.port));
        message.set(http::field::accept, "application/json");
        if (!url_.user.empty())
            message.set(http::field::authorization,
                        "Basic " + base64_encode(url_.user + ":" + url_.password));
        if (!request.body.empty())
            message.set(http::field::content_type, "application/json");
        for (const auto &[name, value] : request.headers)
            message.set(name, value);
        message.body() = request.body;
        message.prepare_payload();
        return message;
    }

    Result<ClientResponse> exchange(const ClientRequest &request) {
        auto message = to_message(request);
        stream_->expires_after(options_.answer_timeout);
        auto error = run([&](auto done) { http::async_write(*stream_, message, std::move(done)); });
        if (error)
            return failed("Cannot write to", error);
        http::response_parser<http::string_body> parser;
        parser.body_limit(options_.body_bytes_max);
        parser.skip(request.method == "HEAD");
        error = run([&](auto done) { http::async_read(*stream_, buffer_, parser, std::move(done)); });
        if (error)
            return failed("Cannot read from", error);
        auto answer = parser.release();
        ClientResponse response;
        response.status = static_cast<int>(answer.result_int());
        for (const auto &field : answer)
            response.headers.add(std::string(field.name_string()), std::string(field.value()));
        response.body = std::move(answer.body());
        if (!answer.keep_alive())
            stream_.reset();
        return response;
    }

    ServerUrl url_;
    ClientOptions options_;
    asio::io_context context_;
    std::optional<beast::tcp_stream> stream_;
    beast::flat_buffer buffer_;
};

Client::Client(ServerUrl url, ClientOptions options)
    : impl_(std::make_unique<Impl>(std::move(url), options)) {}

Client::~Client() = default;

Result<ClientResponse> Client::send(const ClientRequest &request) {
    return impl_->send(request);
}

} // namespace divan::net
