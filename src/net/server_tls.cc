#include "net/server_tls.h"

#include "net/server_tls_context.h"
#include "net/tls.h"

#include <algorithm>
#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509err.h>

namespace divan::net {
namespace {

namespace ssl = boost::asio::ssl;

// Forward secrecy and authenticated encryption, which every client of TLS 1.2 has had for years (RFC 9325).
constexpr const char *kCiphersV12 = "ECDHE+AESGCM:ECDHE+CHACHA20";

struct Freed {
    void operator()(SSL_CTX *context) const { SSL_CTX_free(context); }
};

// The words of a comma list or of an Erlang list of strings or atoms.
std::vector<std::string> words_of(std::string_view text, std::string_view separators) {
    std::vector<std::string> words;
    std::string word;
    auto end_word = [&] {
        if (!word.empty())
            words.push_back(std::move(word));
        word.clear();
    };
    for (char c : text) {
        if (separators.find(c) != std::string_view::npos)
            end_word();
        else if (std::string_view("[]'\"").find(c) == std::string_view::npos)
            word.push_back(c);
    }
    end_word();
    return words;
}

Error bad_cipher(std::string_view name, std::string_view what) {
    return {
        ErrorCode::bad_request,
        fmt::format("`{}` {}. `openssl ciphers -v` lists the names; empty takes the default.", name, what)};
}

bool protects(const SSL_CIPHER *cipher) {
    return SSL_CIPHER_get_auth_nid(cipher) != NID_auth_null && SSL_CIPHER_get_cipher_nid(cipher) != NID_undef;
}

// Whether a context takes exactly this; its one cipher of TLS 1.2 protects.
Result<void> check_cipher(const std::string &name, bool v1_3) {
    std::unique_ptr<SSL_CTX, Freed> context(SSL_CTX_new(TLS_server_method()));
    auto unknown = [&] { return bad_cipher(name, "is no cipher that OpenSSL knows"); };
    // What combines names in OpenSSL's language of lists would hide unknown ones.
    if (!context || name.find_first_of("!+-@=") == 0 || name.find_first_of("!+@=") != std::string::npos)
        return unknown();
    if (v1_3)
        return SSL_CTX_set_ciphersuites(context.get(), name.c_str()) == 1 ? Result<void>() : unknown();
    if (SSL_CTX_set_cipher_list(context.get(), name.c_str()) != 1)
        return unknown();
    auto *ciphers = SSL_CTX_get_ciphers(context.get());
    for (int i = 0; i < sk_SSL_CIPHER_num(ciphers); ++i) {
        const auto *cipher = sk_SSL_CIPHER_value(ciphers, i);
        // Those of TLS 1.3 are in every list.
        if (std::string_view(SSL_CIPHER_get_version(cipher)) != "TLSv1.3" && !protects(cipher))
            return bad_cipher(name, "has ciphers that encrypt nothing or authenticate nobody");
    }
    return {};
}

Error bad_file(std::string_view setting, std::string_view what, const std::string &file,
               std::string_view remedy) {
    return {ErrorCode::bad_request, fmt::format("[ssl] {}: the {} in the file `{}` cannot be used: {}. {}",
                                                setting, what, file, openssl_reason(), remedy)};
}

Error missing(std::string_view setting, std::string_view remedy) {
    return {ErrorCode::bad_request, fmt::format("[ssl] {} is missing: {}", setting, remedy)};
}

bool is_key_mismatch(unsigned long code) {
    return ERR_GET_LIB(code) == ERR_LIB_X509 && ERR_GET_REASON(code) == X509_R_KEY_VALUES_MISMATCH;
}

Result<void> use_key(SSL_CTX *context, const ServerTlsOptions &options) {
    bool taken = use_key_file(context, options.key_file, options.key_password);
    bool mismatch = !taken && is_key_mismatch(ERR_peek_last_error());
    if (!taken && !mismatch)
        return bad_file("key_file", "private key", options.key_file,
                        "Give a PEM file that this process may read and, if the key is encrypted, its [ssl] "
                        "password.");
    if (mismatch || SSL_CTX_check_private_key(context) != 1)
        return Error(ErrorCode::bad_request,
                     fmt::format("[ssl] key_file: the private key in the file `{}` does not belong to the "
                                 "certificate in the file `{}` ([ssl] cert_file). Give the key that the "
                                 "certificate was made for; the certificate of the server is the first of "
                                 "its file.",
                                 options.key_file, options.certificate_file));
    return {};
}

Result<void> use_authorities(SSL_CTX *context, const ServerTlsOptions &options) {
    if (!options.ca_file.empty() && SSL_CTX_load_verify_file(context, options.ca_file.c_str()) != 1)
        return bad_file("cacert_file", "certificates of authorities", options.ca_file,
                        "Give a PEM file that this process may read.");
    if (!options.verify_client)
        return {};
    auto *names = SSL_load_client_CA_file(options.ca_file.c_str());
    if (names == nullptr)
        return bad_file("cacert_file", "certificates of authorities", options.ca_file,
                        "Give a PEM file that this process may read.");
    SSL_CTX_set_client_CA_list(context, names);
    SSL_CTX_set_verify(context,
                       SSL_VERIFY_PEER |
                           (options.client_certificate_required ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0),
                       nullptr);
    SSL_CTX_set_verify_depth(context, options.chain_depth_max);
    // A resumed session is not verified again, so there are none: a certificate that has ended since would go
    // on.
    SSL_CTX_set_options(context, SSL_OP_NO_TICKET);
    SSL_CTX_set_num_tickets(context, 0);
    return {};
}

Result<void> use_protocol(SSL_CTX *context, const ServerTlsOptions &options) {
    SSL_CTX_set_min_proto_version(context, options.versions.v1_2 ? TLS1_2_VERSION : TLS1_3_VERSION);
    SSL_CTX_set_max_proto_version(context, options.versions.v1_3 ? TLS1_3_VERSION : TLS1_2_VERSION);
    SSL_CTX_set_options(context, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION);
    // Sessions are resumed by tickets, which cost this side no memory.
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_dh_auto(context, 1);
    DIVAN_TRY(auto ciphers, parse_ciphers(options.ciphers));
    const auto *v1_2 = ciphers.v1_2.empty() ? kCiphersV12 : ciphers.v1_2.c_str();
    if (SSL_CTX_set_cipher_list(context, v1_2) != 1 ||
        (!ciphers.v1_3.empty() && SSL_CTX_set_ciphersuites(context, ciphers.v1_3.c_str()) != 1))
        return bad_cipher(options.ciphers, "are no ciphers that OpenSSL takes together");
    return {};
}

} // namespace

Result<TlsVersions> parse_tls_versions(std::string_view text) {
    constexpr std::string_view kRemedy = "Write `tlsv1.2, tlsv1.3`, or one of them.";
    constexpr std::string_view kBroken[] = {"tlsv1", "tlsv1.0", "tlsv1.1", "sslv3", "sslv2"};
    TlsVersions versions{.v1_2 = false, .v1_3 = false};
    for (const auto &word : words_of(text, ", \t")) {
        if (std::find(std::begin(kBroken), std::end(kBroken), word) != std::end(kBroken))
            return Error(ErrorCode::bad_request,
                         fmt::format("`{}` protects nothing any more and is not spoken (RFC 8996). {}", word,
                                     kRemedy));
        if (word != "tlsv1.2" && word != "tlsv1.3")
            return Error(ErrorCode::bad_request, fmt::format("`{}` is no version of TLS that is known. {}",
                                                             word.substr(0, 40), kRemedy));
        (word == "tlsv1.2" ? versions.v1_2 : versions.v1_3) = true;
    }
    if (!versions.v1_2 && !versions.v1_3)
        return Error(ErrorCode::bad_request, fmt::format("There is no version of TLS. {}", kRemedy));
    return versions;
}

Result<CipherNames> parse_ciphers(std::string_view text) {
    CipherNames names;
    for (const auto &name : words_of(text, ", :\t")) {
        bool v1_3 = name.starts_with("TLS_");
        ERR_clear_error();
        auto checked = check_cipher(name, v1_3);
        ERR_clear_error();
        if (!checked.ok())
            return checked.error();
        auto &list = v1_3 ? names.v1_3 : names.v1_2;
        list.append(list.empty() ? "" : ":").append(name);
    }
    return names;
}

Result<std::shared_ptr<const ServerTls>> load_server_tls(const ServerTlsOptions &options) {
    if (options.certificate_file.empty())
        return missing("cert_file",
                       "HTTPS needs the PEM file of a certificate. Give one, or set [ssl] enable "
                       "= false.");
    if (options.key_file.empty())
        return missing("key_file", "HTTPS needs the PEM file of the certificate's private key.");
    if (options.verify_client && options.ca_file.empty())
        return missing("cacert_file",
                       "with verify_ssl_certificates = true it is the PEM file of the "
                       "authorities whose clients are admitted. Give one or, if clients have no "
                       "certificates, set [ssl] verify_ssl_certificates = false.");
    ERR_clear_error();
    auto made = std::make_shared<ServerTls>();
    try {
        made->context = std::make_shared<ssl::context>(ssl::context::tls_server);
    } catch (const boost::system::system_error &error) {
        return Error(ErrorCode::bad_request, fmt::format("TLS cannot be used: {}.", error.what()));
    }
    auto *context = made->context->native_handle();
    DIVAN_TRY_VOID(use_protocol(context, options));
    if (SSL_CTX_use_certificate_chain_file(context, options.certificate_file.c_str()) != 1)
        return bad_file("cert_file", "certificate", options.certificate_file,
                        "Give a PEM file that this process may read.");
    DIVAN_TRY_VOID(use_key(context, options));
    DIVAN_TRY_VOID(use_authorities(context, options));
    made->verify_client = options.verify_client;
    return std::shared_ptr<const ServerTls>(std::move(made));
}

} // namespace divan::net
