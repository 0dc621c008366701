#pragma once

// A TCP connection of the client, with TLS if asked for. For the files of this module only.
//
// At most one read and one write at a time; both may be under way together. What is under way keeps the Wire
// alive, so that its last owner may let go at any time.

#include "net/tls.h"

#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <memory>
#include <optional>

namespace divan::net {

namespace asio = boost::asio;
using ErrorNumber = boost::system::error_code;

struct Transferred {
    ErrorNumber error;
    std::size_t bytes = 0;
};

class Wire : public std::enable_shared_from_this<Wire> {
  public:
    explicit Wire(asio::io_context &io) : socket_(io) {}

    Task<ErrorNumber> connect(asio::ip::tcp::endpoint endpoint);
    Task<ErrorNumber> handshake(SslContext context, std::string host, TlsOptions options);
    Task<Transferred> read_some(char *bytes, std::size_t size);
    // Takes a part; at least one byte.
    Task<Transferred> write_some(std::array<asio::const_buffer, 2> buffers);

    void cancel(); // ends what is under way with operation_aborted
    void close();  // the same, for ever
    // Whether the other side has closed it, or has said something that nobody asked for.
    [[nodiscard]] bool stale();
    // As tls_failure() has it.
    [[nodiscard]] std::string failure(const ErrorNumber &error);

  private:
    using Socket = asio::ip::tcp::socket;
    Socket socket_;
    SslContext context_;
    std::optional<asio::ssl::stream<Socket &>> tls_;
};

} // namespace divan::net
