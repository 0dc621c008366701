#include "access/web_request.h"

#include "net/absolute_url.h"
#include "net/loopback.h"

#include <algorithm>
#include <fmt/format.h>

namespace divan::access {
namespace {

Error unreachable(const WebAddress &address, std::string_view why) {
    return {ErrorCode::service_unavailable, fmt::format("{} cannot be read: {}", address.shown, why)};
}

bool is_printable(std::string_view text) {
    return std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 0x7f; });
}

} // namespace

Result<WebAddress> WebAddress::parse(std::string_view text) {
    auto bad = [](std::string_view what) { return Error(ErrorCode::bad_request, std::string(what)); };
    auto query = text.find('?');
    auto before = text.substr(0, query);
    DIVAN_TRY(auto url, net::AbsoluteUrl::parse(before));
    if (!is_printable(text) || text.find('#') != std::string_view::npos)
        return bad("it has a fragment, or characters that no URL has");
    if (url.scheme != "https" && !(url.scheme == "http" && net::is_loopback(url.host)))
        return bad("it must begin with https:// (http:// is for this machine itself only)");
    if (!url.user.empty() || !url.password.empty())
        return bad("it holds a name or a password");
    WebAddress address;
    address.destination.tls = url.scheme == "https";
    address.destination.host = url.host;
    address.destination.port = url.port;
    // As it was written, with the slash at its end: a URL is compared byte by byte.
    auto path = before.find('/', before.find("://") + 3);
    address.target = path == std::string_view::npos ? "/" : std::string(before.substr(path));
    if (query != std::string_view::npos)
        address.target += text.substr(query);
    address.shown = before;
    return address;
}

Task<Result<WebAnswer>> send_web_request(EventLoop &loop, net::HttpClient &client, WebRequest request,
                                         Cancellation &cancellation) {
    if (cancellation.cancelled())
        co_return ErrorCode::cancelled;
    Cancellation ended;
    bool timed_out = false;
    auto given_up = cancellation.on_cancel([&ended] { ended.cancel(); });
    auto limit = loop.after(request.limits.timeout, [&ended, &timed_out] {
        timed_out = true;
        ended.cancel();
    });
    auto address = request.address;
    address.destination.tls_options.ca_file = request.limits.ca_file;
    net::OutgoingRequest outgoing;
    outgoing.method = request.method;
    outgoing.target = address.target;
    outgoing.headers = std::move(request.headers);
    outgoing.headers.set("Accept", request.accept);
    outgoing.body = std::move(request.body);
    outgoing.repeatable = request.method == "GET";
    outgoing.connect_timeout = request.limits.timeout;
    outgoing.idle_timeout = request.limits.timeout;
    WebAnswer answer;
    Result<std::string> body{ErrorCode::cancelled};
    auto incoming = co_await client.send(address.destination, std::move(outgoing), ended);
    if (incoming.ok()) {
        answer.status = (*incoming)->status();
        body = co_await (*incoming)->read_all(request.limits.body_bytes_max);
    } else {
        body = incoming.error();
    }
    if (body.ok()) {
        answer.body = std::move(*body);
        co_return std::move(answer);
    }
    if (timed_out)
        co_return unreachable(address, fmt::format("no answer within {} ms", request.limits.timeout.count()));
    if (body.error().code() == ErrorCode::cancelled)
        co_return ErrorCode::cancelled;
    if (body.error().code() == ErrorCode::too_large)
        co_return unreachable(
            address, fmt::format("its answer has more than {} bytes", request.limits.body_bytes_max));
    co_return unreachable(address, body.error().reason());
}

Task<Result<std::string>> fetch_document(EventLoop &loop, net::HttpClient &client, WebAddress address,
                                         WebLimits limits, Cancellation &cancellation, std::string accept) {
    WebRequest request;
    request.accept = std::move(accept);
    request.address = address;
    request.limits = std::move(limits);
    auto answer = co_await send_web_request(loop, client, std::move(request), cancellation);
    if (!answer.ok())
        co_return answer.error();
    if (answer->status != 200)
        co_return unreachable(address, fmt::format("it answers {}", answer->status));
    co_return std::move(answer->body);
}

Error unreachable_provider(std::string_view provider, const Error &why) {
    if (why.code() == ErrorCode::cancelled)
        return {ErrorCode::service_unavailable, "The server is shutting down."};
    return {ErrorCode::service_unavailable,
            fmt::format("The identity provider {} cannot be asked: {}", provider, why.reason())};
}

} // namespace divan::access
