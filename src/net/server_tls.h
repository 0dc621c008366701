#pragma once

// What a TLS listener needs: its certificate and key, whom it trusts, versions and ciphers; and what is known
// of a client that has shown a certificate. No Boost and no OpenSSL in this header.

#include "base/result.h"
#include "crypto/secret.h"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace divan::net {

// Of a certificate that was verified against the listener's authorities. Nothing here says that its holder is
// a user: that is for others to decide.
struct ClientCertificate {
    std::string subject;             // RFC 2253, UTF-8: "CN=joe,O=Example,C=DE"
    std::string common_name;         // the most specific one, UTF-8; "" = none
    std::vector<std::string> emails; // subjectAltName, rfc822Name
    std::vector<std::string> dns_names;
};

struct TlsVersions {
    bool v1_2 = true;
    bool v1_3 = true;
    friend bool operator==(const TlsVersions &, const TlsVersions &) = default;
};

// Errors speak of the settings in [ssl] that have CouchDB's names for these.
struct ServerTlsOptions {
    std::string certificate_file;      // PEM; the chain behind the certificate
    std::string key_file;              // PEM
    crypto::SharedSecret key_password; // null or empty: none
    std::string ca_file;        // PEM: authorities of clients, and what completes the own chain; "" = none
    bool verify_client = false; // asks clients for certificates; one that is shown must be good
    bool client_certificate_required = true; // refuses a client without; only with verify_client
    int chain_depth_max = 1;                 // authorities between a client's certificate and the trusted one
    TlsVersions versions;
    std::string ciphers; // names as parse_ciphers takes them; "" = those that encrypt with authentication
    friend bool operator==(const ServerTlsOptions &, const ServerTlsOptions &) = default;
};

// "tlsv1.2, tlsv1.3" or CouchDB's ['tlsv1.2', 'tlsv1.3'].
// Errors: bad_request for unknown versions, for those before 1.2 and for an empty list.
[[nodiscard]] Result<TlsVersions> parse_tls_versions(std::string_view text);

// OpenSSL's names by version, for OpenSSL.
struct CipherNames {
    std::string v1_2; // "" = the default
    std::string v1_3; // "" = the default
};
// OpenSSL's names of ciphers, separated by commas, colons or white space, or CouchDB's ["...", "..."].
// Errors: bad_request for a name that OpenSSL does not know, or of a cipher that encrypts or authenticates
// nothing.
[[nodiscard]] Result<CipherNames> parse_ciphers(std::string_view text);

// Loaded, checked, and immutable. Thread-safe.
class ServerTls;

// Reads the files. Errors: bad_request naming the setting, the file, what is wrong with it and what to do.
[[nodiscard]] Result<std::shared_ptr<const ServerTls>> load_server_tls(const ServerTlsOptions &options);

} // namespace divan::net
