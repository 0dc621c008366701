#pragma once

// Contexts of TLS for clients, what those of servers share with them, and what to say when TLS fails. For the
// files of this module only.

#include "net/http_client.h"

#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <filesystem>
#include <list>
#include <memory>

namespace divan::net {

using SslContext = std::shared_ptr<boost::asio::ssl::context>;

// A context for each set of options; made anew when one of its files has changed.
class TlsContexts {
  public:
    // Errors: service_unavailable that names the file and what is wrong with it.
    Result<SslContext> get(const TlsOptions &options);

  private:
    struct Entry {
        TlsOptions options;
        std::vector<std::filesystem::file_time_type> written; // its files
        SslContext context;
    };
    std::list<Entry> entries_; // the newest use first
};

// What is asked of the other side's certificate: its host, which may be an address.
[[nodiscard]] bool expect_host(SSL *ssl, const std::string &host, const TlsOptions &options);

// The oldest error of OpenSSL, in its words, without codes; clears them all.
// REQUIRES: ERR_clear_error() before the call that failed.
[[nodiscard]] std::string openssl_reason();

// Takes the private key in a PEM file. Never asks for a password on a terminal, as OpenSSL does by itself.
// False: openssl_reason() says why.
[[nodiscard]] bool use_key_file(SSL_CTX *context, const std::string &file,
                                const crypto::SharedSecret &password);

// Why the handshake or the connection of `ssl` failed, as the end of a sentence: "its certificate has
// expired".
[[nodiscard]] std::string tls_failure(SSL *ssl, const boost::system::error_code &error);

} // namespace divan::net
