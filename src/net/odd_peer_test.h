#pragma once

// A server for tests that does to each connection what a script says, blocking, on a thread of its own; with
// certificates that are made for it.

#include <atomic>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

// OpenSSL's names, without its headers.
struct ssl_st;
struct ssl_ctx_st;

namespace divan::net::testing {

using TlsContext = std::shared_ptr<ssl_ctx_st>;

// One accepted connection. Everything gives up after some seconds.
class PeerLine {
  public:
    explicit PeerLine(int socket) : socket_(socket) {}
    PeerLine(const PeerLine &) = delete;
    PeerLine &operator=(const PeerLine &) = delete;
    ~PeerLine();

    // Up to and with the empty line; what has come of it, if the client closes before.
    std::string read_head();
    std::string read(std::size_t count); // exactly, but at the end
    std::string read_all();              // up to the end
    void write(std::string_view text);
    void reset(); // closes at once, with a reset
    // False: the handshake failed.
    bool start_tls(const TlsContext &context);
    // The same from the client's side; it trusts everybody.
    bool connect_tls(const TlsContext &context);
    void end_tls(); // says the end (close_notify)
    // Whether the other side has said it.
    [[nodiscard]] bool told_end() const;
    // The name that the client asked for with TLS; "none".
    [[nodiscard]] std::string asked_name() const;
    [[nodiscard]] int socket() const { return socket_; }

  private:
    bool fill();
    int socket_;
    ssl_st *ssl_ = nullptr;
    std::string input_;
};

class OddPeer {
  public:
    using Script = std::function<void(PeerLine &)>;
    // Each connection runs the script on a thread of its own.
    explicit OddPeer(Script script, bool ipv6 = false);
    ~OddPeer();
    OddPeer(const OddPeer &) = delete;
    OddPeer &operator=(const OddPeer &) = delete;
    [[nodiscard]] std::uint16_t port() const { return port_; }
    [[nodiscard]] int connections() const { return connections_; }

  private:
    void accept_all();
    Script script_;
    int listener_ = -1;
    std::uint16_t port_ = 0;
    std::atomic<int> connections_ = 0;
    std::thread thread_;
    std::vector<std::thread> lines_;
};

// A certificate and its key as PEM files.
struct TestCertificate {
    std::string certificate_file;
    std::string key_file;
};

struct CertificateOptions {
    std::string names = "DNS:localhost,IP:127.0.0.1"; // subjectAltName
    int days_from = -1;                               // of its validity, from today
    int days_to = 1;
    std::string key_password;
    const TestCertificate *issuer = nullptr; // null: itself
    bool authority = false;
};

// A folder of certificates, removed in the end.
class CertificateFolder {
  public:
    CertificateFolder();
    ~CertificateFolder();
    CertificateFolder(const CertificateFolder &) = delete;
    CertificateFolder &operator=(const CertificateFolder &) = delete;
    TestCertificate make(const std::string &name, const CertificateOptions &options);
    std::string file(const std::string &name, const std::string &text);

  private:
    std::filesystem::path path_;
};

// A socket that is connected to a port of loopback, for the client's side; -1 if it is refused.
int connect_to(std::uint16_t port);
TlsContext client_context();

// A context for a server with this certificate; with `client_ca`, clients need a certificate of that
// authority.
TlsContext server_context(const TestCertificate &certificate, const std::string &client_ca = {});

} // namespace divan::net::testing
