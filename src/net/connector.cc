#include "net/connector.h"

#include "net/absolute_url.h"
#include "net/response_head.h"
#include "net/socket_loop_impl.h"

#include <fmt/format.h>

namespace divan::net {
namespace {

using asio::ip::tcp;

constexpr std::size_t kAddressesMax = 16;
constexpr std::size_t kProxyHeadBytesMax = 16 << 10;

struct Finding {
    std::optional<Resume<Addresses>> resume;
    void finish(Addresses addresses) {
        auto resuming = std::exchange(resume, std::nullopt);
        if (resuming)
            (*resuming)(std::move(addresses));
    }
};

Task<Addresses> find_addresses(Link &link, std::string host, std::uint16_t port) {
    auto finding = std::make_shared<Finding>();
    auto &loop = link.loop();
    auto &resolver = loop.impl().resolver();
    std::uint64_t lookup = 0;
    // A name server that does not answer is left alone.
    link.on_end([finding, &loop, &resolver, &lookup] {
        resolver.withdraw(lookup);
        loop.post([finding] { finding->finish({}); });
    });
    auto addresses = co_await suspend<Addresses>([&](Resume<Addresses> resume) {
        finding->resume = resume;
        lookup = resolver.find(std::move(host), port,
                               [finding](Addresses found) { finding->finish(std::move(found)); });
    });
    link.on_end(nullptr);
    co_return addresses;
}

// Tries all addresses, each with its share of the time.
Task<Result<void>> connect_tcp(Link &link, std::string host, std::uint16_t port, Link::Time until) {
    auto addresses = co_await find_addresses(link, host, port);
    if (link.end() != Link::End::none)
        co_return link.failure("Cannot find", asio::error::operation_aborted);
    if (addresses.endpoints.empty())
        co_return Error(ErrorCode::service_unavailable,
                        fmt::format("Cannot find {}: {}.", link.shown(), addresses.error));
    if (addresses.endpoints.size() > kAddressesMax)
        addresses.endpoints.resize(kAddressesMax);
    ErrorNumber last;
    for (std::size_t i = 0; i < addresses.endpoints.size(); ++i) {
        auto left = addresses.endpoints.size() - i;
        auto now = std::chrono::steady_clock::now();
        if (left > 1)
            link.attempt_until(now + (until - now) / static_cast<int>(left));
        else
            link.attempt_until(Link::Time::max());
        auto wire = std::make_shared<Wire>(link.loop().impl().io());
        link.use(wire);
        last = co_await wire->connect(addresses.endpoints[i]);
        if (link.end() != Link::End::none)
            break;
        if (!last) {
            link.attempt_until(Link::Time::max());
            co_return Result<void>();
        }
        if (last == asio::error::operation_aborted)
            last = asio::error::timed_out; // its share of the time is over
    }
    co_return link.failure("Cannot connect to", last);
}

Task<Result<void>> open_tunnel(Link &link, const Destination &destination) {
    auto target = authority(destination.host, destination.port);
    auto request = fmt::format("CONNECT {0} HTTP/1.1\r\nHost: {0}\r\n", target);
    if (!destination.proxy->user.empty())
        request += "Proxy-Authorization: " +
                   basic_credentials(destination.proxy->user, destination.proxy->password) + "\r\n";
    request += "\r\n";
    auto written = co_await link.write(request, std::string_view());
    if (!written.ok())
        co_return written;
    InputBuffer input;
    ResponseHeadReader reader(link, input, kProxyHeadBytesMax);
    std::function<void()> nothing = [] {};
    auto head = co_await reader.read(true, nothing);
    if (!head.ok())
        co_return Error(head.error().code(),
                        fmt::format("The proxy of {} fails: {}", link.shown(), head.error().reason()));
    auto status = static_cast<int>(reader.parser().get().result_int());
    if (status < 200 || status > 299)
        co_return Error(ErrorCode::service_unavailable,
                        fmt::format("The proxy of {} refuses to connect: {} {}.", link.shown(), status,
                                    std::string_view(reader.parser().get().reason())));
    if (!input.empty())
        co_return Error(ErrorCode::service_unavailable,
                        fmt::format("The proxy of {} says more than it should.", link.shown()));
    co_return Result<void>();
}

Task<Result<void>> connect_within(Link &link, const Destination &destination, TlsContexts &contexts,
                                  Link::Time until) {
    SslContext context;
    if (destination.tls) {
        // Before anything is sent: files that cannot be used are no matter of the other side.
        auto made = contexts.get(destination.tls_options);
        if (!made.ok())
            co_return made.error();
        context = std::move(*made);
    }
    auto host = destination.proxy ? destination.proxy->host : destination.host;
    auto port = destination.proxy ? destination.proxy->port : destination.port;
    auto connected = co_await connect_tcp(link, host, port, until);
    if (!connected.ok() && destination.proxy && link.end() == Link::End::none)
        co_return Error(
            connected.error().code(),
            fmt::format("{} The proxy {} was asked to.", connected.error().reason(), authority(host, port)));
    if (!connected.ok() || !destination.tls)
        co_return connected;
    if (destination.proxy) {
        auto opened = co_await open_tunnel(link, destination);
        if (!opened.ok())
            co_return opened;
    }
    auto shaken = co_await link.wire()->handshake(context, destination.host, destination.tls_options);
    if (shaken || link.end() != Link::End::none)
        co_return link.failure("Cannot connect to", shaken);
    co_return Result<void>();
}

} // namespace

std::string show(const Destination &destination) {
    return (destination.tls ? "https://" : "http://") + authority(destination.host, destination.port);
}

Task<Result<void>> connect(Link &link, const Destination &destination, TlsContexts &contexts, Millis limit) {
    auto until = std::chrono::steady_clock::now() + limit;
    link.connect_until(until, limit);
    if (link.end() != Link::End::none)
        co_return link.failure("Cannot connect to", asio::error::operation_aborted);
    co_return co_await connect_within(link, destination, contexts, until);
}

} // namespace divan::net
