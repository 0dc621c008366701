#pragma once

// The inside of a ServerTls, and what a connection reads of its client's certificate. For the files of this
// module only.

#include "net/server_tls.h"
#include "net/tls.h"

namespace divan::net {

class ServerTls {
  public:
    SslContext context;
    bool verify_client = false;
};

// Of the other side of an established connection; null if it has shown no certificate, or one that is not
// verified.
[[nodiscard]] std::shared_ptr<const ClientCertificate> client_certificate(SSL *ssl);

} // namespace divan::net
