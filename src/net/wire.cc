#include "net/wire.h"

#include <boost/asio/buffer.hpp>
#include <sys/socket.h>

namespace divan::net {

using asio::ip::tcp;

Task<ErrorNumber> Wire::connect(tcp::endpoint endpoint) {
    ErrorNumber error;
    socket_.open(endpoint.protocol(), error);
    if (error)
        co_return error;
    auto done = co_await suspend<ErrorNumber>([&](Resume<ErrorNumber> resume) {
        socket_.async_connect(endpoint,
                              [self = shared_from_this(), resume](ErrorNumber ended) { resume(ended); });
    });
    if (!done)
        socket_.set_option(tcp::no_delay(true), error);
    co_return done;
}

Task<ErrorNumber> Wire::handshake(SslContext context, std::string host, TlsOptions options) {
    context_ = std::move(context);
    tls_.emplace(socket_, *context_);
    if (!expect_host(tls_->native_handle(), host, options))
        co_return make_error_code(boost::system::errc::invalid_argument);
    co_return co_await suspend<ErrorNumber>([&](Resume<ErrorNumber> resume) {
        tls_->async_handshake(asio::ssl::stream_base::client,
                              [self = shared_from_this(), resume](ErrorNumber ended) { resume(ended); });
    });
}

Task<Transferred> Wire::read_some(char *bytes, std::size_t size) {
    co_return co_await suspend<Transferred>([&](Resume<Transferred> resume) {
        auto done = [self = shared_from_this(), resume](ErrorNumber error, std::size_t count) {
            resume({error, count});
        };
        if (tls_)
            tls_->async_read_some(asio::buffer(bytes, size), std::move(done));
        else
            socket_.async_read_some(asio::buffer(bytes, size), std::move(done));
    });
}

Task<Transferred> Wire::write_some(std::array<asio::const_buffer, 2> buffers) {
    co_return co_await suspend<Transferred>([&](Resume<Transferred> resume) {
        auto done = [self = shared_from_this(), resume](ErrorNumber error, std::size_t count) {
            resume({error, count});
        };
        if (tls_)
            tls_->async_write_some(buffers[buffers[0].size() > 0 ? 0 : 1], std::move(done));
        else
            socket_.async_write_some(buffers, std::move(done));
    });
}

void Wire::cancel() {
    ErrorNumber ignored;
    socket_.cancel(ignored);
}

void Wire::close() {
    ErrorNumber ignored;
    socket_.close(ignored);
}

bool Wire::stale() {
    if (!socket_.is_open())
        return true;
    char byte = 0;
    auto got = recv(socket_.native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    return got >= 0 || (errno != EAGAIN && errno != EINTR);
}

std::string Wire::failure(const ErrorNumber &error) {
    return tls_ ? tls_failure(tls_->native_handle(), error) : error.message();
}

} // namespace divan::net
