#pragma once

// The stream of an accepted connection: a socket, with TLS if its listener has it. An AsyncReadStream and
// AsyncWriteStream of Asio. For the files of this module only.

#include "net/server_tls_context.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/strand.hpp>
#include <optional>
#include <utility>

namespace divan::net {

namespace asio = boost::asio;
using Strand = asio::strand<asio::io_context::executor_type>;
using Socket = asio::basic_stream_socket<asio::ip::tcp, Strand>;

class ServerStream {
  public:
    using executor_type = Strand;

    // `tls` may be null: plain.
    ServerStream(Socket socket, std::shared_ptr<const ServerTls> tls)
        : socket_(std::move(socket)), settings_(std::move(tls)) {
        if (settings_)
            tls_.emplace(socket_, *settings_->context);
    }

    ServerStream(const ServerStream &) = delete;
    ServerStream &operator=(const ServerStream &) = delete;

    executor_type get_executor() noexcept { return socket_.get_executor(); }
    // Below TLS.
    [[nodiscard]] Socket &socket() { return socket_; }
    [[nodiscard]] bool tls() const { return tls_.has_value(); }
    // REQUIRES: tls()
    [[nodiscard]] SSL *ssl() { return tls_->native_handle(); }
    // Whether clients are asked for certificates.
    [[nodiscard]] bool verifies() const { return settings_ && settings_->verify_client; }

    // REQUIRES: tls()
    template <typename Handler> void async_handshake(Handler handler) {
        tls_->async_handshake(asio::ssl::stream_base::server, std::move(handler));
    }

    // Says the end of what this side sends (RFC 8446, 6.1) and does not wait for the other's.
    // REQUIRES: tls()
    template <typename Handler> void async_close_notify(Handler handler) {
        SSL_set_shutdown(ssl(), SSL_get_shutdown(ssl()) | SSL_RECEIVED_SHUTDOWN);
        tls_->async_shutdown(std::move(handler));
    }

    template <typename Buffers, typename Handler>
    void async_read_some(const Buffers &buffers, Handler &&handler) {
        if (tls_)
            tls_->async_read_some(buffers, std::forward<Handler>(handler));
        else
            socket_.async_read_some(buffers, std::forward<Handler>(handler));
    }

    template <typename Buffers, typename Handler>
    void async_write_some(const Buffers &buffers, Handler &&handler) {
        if (tls_)
            tls_->async_write_some(buffers, std::forward<Handler>(handler));
        else
            socket_.async_write_some(buffers, std::forward<Handler>(handler));
    }

  private:
    Socket socket_;
    std::shared_ptr<const ServerTls> settings_;
    std::optional<asio::ssl::stream<Socket &>> tls_;
};

} // namespace divan::net
