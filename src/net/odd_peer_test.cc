#include "net/odd_peer_test.h"

#include "base/check.h"

#include <arpa/inet.h>
#include <csignal>
#include <fcntl.h>
#include <fstream>
#include <netinet/in.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>
#include <unistd.h>
#include <utility>

namespace divan::net::testing {
namespace {

constexpr timeval kPatience{.tv_sec = 20, .tv_usec = 0};

template <typename T, auto Free> struct Freed {
    void operator()(T *what) const { Free(what); }
};
using Certificate = std::unique_ptr<X509, Freed<X509, X509_free>>;
using Key = std::unique_ptr<EVP_PKEY, Freed<EVP_PKEY, EVP_PKEY_free>>;

FILE *open_file(const std::string &name, const char *mode) {
    FILE *file = std::fopen(name.c_str(), mode);
    DIVAN_CHECK(file != nullptr);
    return file;
}

} // namespace

PeerLine::~PeerLine() {
    if (ssl_ != nullptr)
        SSL_free(ssl_);
    if (socket_ >= 0)
        close(socket_);
}

bool PeerLine::fill() {
    char bytes[16'384];
    auto got = ssl_ != nullptr ? SSL_read(ssl_, bytes, sizeof bytes)
                               : static_cast<int>(recv(socket_, bytes, sizeof bytes, 0));
    if (got <= 0)
        return false;
    input_.append(bytes, static_cast<std::size_t>(got));
    return true;
}

std::string PeerLine::read_head() {
    std::size_t end = 0;
    while ((end = input_.find("\r\n\r\n")) == std::string::npos)
        if (!fill())
            return std::exchange(input_, {});
    return read(end + 4);
}

std::string PeerLine::read(std::size_t count) {
    while (input_.size() < count && fill())
        ;
    auto text = input_.substr(0, count);
    input_.erase(0, text.size());
    return text;
}

std::string PeerLine::read_all() {
    while (fill())
        ;
    return std::exchange(input_, {});
}

void PeerLine::write(std::string_view text) {
    while (!text.empty()) {
        auto put = ssl_ != nullptr ? SSL_write(ssl_, text.data(), static_cast<int>(text.size()))
                                   : static_cast<int>(send(socket_, text.data(), text.size(), MSG_NOSIGNAL));
        if (put <= 0)
            return;
        text.remove_prefix(static_cast<std::size_t>(put));
    }
}

void PeerLine::reset() {
    linger now{.l_onoff = 1, .l_linger = 0};
    setsockopt(socket_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    close(std::exchange(socket_, -1));
}

bool PeerLine::start_tls(const TlsContext &context) {
    ssl_ = SSL_new(context.get());
    SSL_set_fd(ssl_, socket_);
    return SSL_accept(ssl_) == 1;
}

bool PeerLine::connect_tls(const TlsContext &context) {
    ssl_ = SSL_new(context.get());
    SSL_set_fd(ssl_, socket_);
    return SSL_connect(ssl_) == 1;
}

void PeerLine::end_tls() {
    SSL_shutdown(ssl_);
}

bool PeerLine::told_end() const {
    return (SSL_get_shutdown(ssl_) & SSL_RECEIVED_SHUTDOWN) != 0;
}

std::string PeerLine::asked_name() const {
    const char *name = SSL_get_servername(ssl_, TLSEXT_NAMETYPE_host_name);
    return name != nullptr ? name : "none";
}

OddPeer::OddPeer(Script script, bool ipv6) : script_(std::move(script)) {
    std::signal(SIGPIPE, SIG_IGN); // OpenSSL writes without MSG_NOSIGNAL
    listener_ = socket(ipv6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_storage address{};
    socklen_t size = ipv6 ? sizeof(sockaddr_in6) : sizeof(sockaddr_in);
    if (ipv6) {
        auto *six = reinterpret_cast<sockaddr_in6 *>(&address);
        six->sin6_family = AF_INET6;
        six->sin6_addr = in6addr_loopback;
    } else {
        auto *four = reinterpret_cast<sockaddr_in *>(&address);
        four->sin_family = AF_INET;
        four->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    }
    if (bind(listener_, reinterpret_cast<sockaddr *>(&address), size) != 0 || listen(listener_, 16) != 0)
        return; // port() stays 0
    getsockname(listener_, reinterpret_cast<sockaddr *>(&address), &size);
    port_ = ntohs(ipv6 ? reinterpret_cast<sockaddr_in6 *>(&address)->sin6_port
                       : reinterpret_cast<sockaddr_in *>(&address)->sin_port);
    thread_ = std::thread([this] { accept_all(); });
}

OddPeer::~OddPeer() {
    shutdown(listener_, SHUT_RDWR);
    if (thread_.joinable())
        thread_.join();
    for (auto &line : lines_)
        line.join();
    close(listener_);
}

void OddPeer::accept_all() {
    for (;;) {
        int accepted = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
        if (accepted < 0)
            return;
        ++connections_;
        setsockopt(accepted, SOL_SOCKET, SO_RCVTIMEO, &kPatience, sizeof kPatience);
        setsockopt(accepted, SOL_SOCKET, SO_SNDTIMEO, &kPatience, sizeof kPatience);
        lines_.emplace_back([this, accepted] {
            PeerLine line(accepted);
            script_(line);
        });
    }
}

CertificateFolder::CertificateFolder() {
    auto name = (std::filesystem::temp_directory_path() / "divan-certificates-XXXXXX").string();
    DIVAN_CHECK(mkdtemp(name.data()) != nullptr);
    path_ = name;
}

CertificateFolder::~CertificateFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
}

std::string CertificateFolder::file(const std::string &name, const std::string &text) {
    auto path = path_ / name;
    std::ofstream(path) << text;
    return path.string();
}

TestCertificate CertificateFolder::make(const std::string &name, const CertificateOptions &options) {
    TestCertificate made{(path_ / (name + ".pem")).string(), (path_ / (name + ".key")).string()};
    Key key(EVP_EC_gen("P-256"));
    Certificate certificate(X509_new());
    static std::atomic<long> serial = 1;
    X509_set_version(certificate.get(), 2);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), serial++);
    X509_gmtime_adj(X509_getm_notBefore(certificate.get()), options.days_from * 86'400L);
    X509_gmtime_adj(X509_getm_notAfter(certificate.get()), options.days_to * 86'400L);
    X509_set_pubkey(certificate.get(), key.get());
    X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate.get()), "CN", MBSTRING_ASC,
                               reinterpret_cast<const unsigned char *>(name.c_str()), -1, -1, 0);
    Certificate issuer;
    Key issuer_key;
    if (options.issuer != nullptr) {
        FILE *file = open_file(options.issuer->certificate_file, "r");
        issuer.reset(PEM_read_X509(file, nullptr, nullptr, nullptr));
        std::fclose(file);
        file = open_file(options.issuer->key_file, "r");
        issuer_key.reset(PEM_read_PrivateKey(file, nullptr, nullptr, nullptr));
        std::fclose(file);
    }
    auto *above = issuer ? issuer.get() : certificate.get();
    X509_set_issuer_name(certificate.get(), X509_get_subject_name(above));
    auto extend = [&](int kind, const std::string &value) {
        X509V3_CTX context;
        X509V3_set_ctx(&context, above, certificate.get(), nullptr, nullptr, 0);
        auto *extension = X509V3_EXT_conf_nid(nullptr, &context, kind, value.c_str());
        DIVAN_CHECK(extension != nullptr);
        X509_add_ext(certificate.get(), extension, -1);
        X509_EXTENSION_free(extension);
    };
    extend(NID_basic_constraints, options.authority ? "critical,CA:TRUE" : "CA:FALSE");
    if (!options.authority)
        extend(NID_subject_alt_name, options.names);
    DIVAN_CHECK(X509_sign(certificate.get(), issuer_key ? issuer_key.get() : key.get(), EVP_sha256()) > 0);
    FILE *file = open_file(made.certificate_file, "w");
    PEM_write_X509(file, certificate.get());
    std::fclose(file);
    file = open_file(made.key_file, "w");
    auto password = options.key_password;
    PEM_write_PrivateKey(file, key.get(), password.empty() ? nullptr : EVP_aes_128_cbc(),
                         password.empty() ? nullptr : reinterpret_cast<unsigned char *>(password.data()),
                         static_cast<int>(password.size()), nullptr, nullptr);
    std::fclose(file);
    return made;
}

int connect_to(std::uint16_t port) {
    std::signal(SIGPIPE, SIG_IGN); // OpenSSL writes without MSG_NOSIGNAL
    int connected = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    setsockopt(connected, SOL_SOCKET, SO_RCVTIMEO, &kPatience, sizeof kPatience);
    setsockopt(connected, SOL_SOCKET, SO_SNDTIMEO, &kPatience, sizeof kPatience);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(port);
    if (connect(connected, reinterpret_cast<sockaddr *>(&address), sizeof address) == 0)
        return connected;
    close(connected);
    return -1;
}

TlsContext client_context() {
    return {SSL_CTX_new(TLS_client_method()), SSL_CTX_free};
}

TlsContext server_context(const TestCertificate &certificate, const std::string &client_ca) {
    TlsContext context(SSL_CTX_new(TLS_server_method()), SSL_CTX_free);
    DIVAN_CHECK(SSL_CTX_use_certificate_file(context.get(), certificate.certificate_file.c_str(),
                                             SSL_FILETYPE_PEM) == 1);
    DIVAN_CHECK(SSL_CTX_use_PrivateKey_file(context.get(), certificate.key_file.c_str(), SSL_FILETYPE_PEM) ==
                1);
    if (!client_ca.empty()) {
        DIVAN_CHECK(SSL_CTX_load_verify_file(context.get(), client_ca.c_str()) == 1);
        SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
    }
    return context;
}

} // namespace divan::net::testing
