#include "net/tls.h"

#include <boost/asio/ip/address.hpp>
#include <boost/asio/ssl/error.hpp>
#include <cstring>
#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

namespace divan::net {
namespace {

namespace ssl = boost::asio::ssl;

constexpr std::size_t kContextsMax = 64;

std::vector<std::filesystem::file_time_type> written_at(const TlsOptions &options) {
    std::vector<std::filesystem::file_time_type> times;
    for (const auto *file : {&options.ca_file, &options.certificate_file, &options.key_file}) {
        std::error_code ignored;
        times.push_back(file->empty() ? std::filesystem::file_time_type()
                                      : std::filesystem::last_write_time(*file, ignored));
    }
    return times;
}

Error bad_file(std::string_view what, const std::string &file) {
    return {ErrorCode::service_unavailable,
            fmt::format("The {} in the file `{}` cannot be used: {}.", what, file, openssl_reason())};
}

// Never asks on a terminal, as OpenSSL does without this.
int give_password(char *buffer, int size, int /*writing*/, void *password) {
    const auto *secret = static_cast<const crypto::Secret *>(password);
    auto text = secret == nullptr ? std::string_view() : secret->reveal();
    if (text.size() > static_cast<std::size_t>(size))
        return -1;
    std::memcpy(buffer, text.data(), text.size());
    return static_cast<int>(text.size());
}

Result<void> use_certificate(SSL_CTX *context, const TlsOptions &options) {
    if (options.certificate_file.empty())
        return {};
    ERR_clear_error();
    if (SSL_CTX_use_certificate_chain_file(context, options.certificate_file.c_str()) != 1)
        return bad_file("certificate", options.certificate_file);
    const auto &key = options.key_file.empty() ? options.certificate_file : options.key_file;
    if (!use_key_file(context, key, options.key_password))
        return bad_file("private key", key);
    if (SSL_CTX_check_private_key(context) != 1)
        return Error(ErrorCode::service_unavailable,
                     fmt::format("The private key in the file `{}` does not belong to the certificate in "
                                 "the file `{}`.",
                                 key, options.certificate_file));
    return {};
}

Result<SslContext> make_context(const TlsOptions &options) {
    ERR_clear_error();
    SslContext made;
    try {
        made = std::make_shared<ssl::context>(ssl::context::tls_client);
    } catch (const boost::system::system_error &error) {
        return Error(ErrorCode::service_unavailable, fmt::format("TLS cannot be used: {}.", error.what()));
    }
    auto *context = made->native_handle();
    SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
    SSL_CTX_set_options(context, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION);
    SSL_CTX_set_verify(context, options.verify ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, nullptr);
    SSL_CTX_set_verify_depth(context, options.chain_depth_max);
    if (options.verify) {
        if (options.ca_file.empty())
            SSL_CTX_set_default_verify_paths(context);
        else if (SSL_CTX_load_verify_file(context, options.ca_file.c_str()) != 1)
            return bad_file("certificates of authorities", options.ca_file);
    }
    DIVAN_TRY_VOID(use_certificate(context, options));
    return made;
}

bool is_address(const std::string &host) {
    boost::system::error_code error;
    boost::asio::ip::make_address(host, error);
    return !error;
}

std::string verify_failure(long code) {
    switch (code) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
        return "its certificate, or one above it, has expired";
    case X509_V_ERR_CERT_NOT_YET_VALID:
        return "its certificate, or one above it, is not valid yet; are the clocks right?";
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
        return "its certificate is for another name";
    case X509_V_ERR_CERT_CHAIN_TOO_LONG:
        return "the chain of its certificate is longer than is accepted";
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
        return "its certificate is signed by itself and is not among those that are trusted";
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
        return "its certificate comes from an authority that is not among those that are trusted";
    default:
        return fmt::format("its certificate is not trusted ({})", X509_verify_cert_error_string(code));
    }
}

} // namespace

std::string openssl_reason() {
    // "No such file or directory"; what is behind it only says that the system, or the reader of PEM, said
    // something.
    auto code = ERR_peek_error();
    ERR_clear_error();
    if (ERR_SYSTEM_ERROR(code))
        return std::strerror(ERR_GET_REASON(code));
    const char *reason = ERR_reason_error_string(code);
    return reason != nullptr ? reason : "it cannot be read";
}

bool use_key_file(SSL_CTX *context, const std::string &file, const crypto::SharedSecret &password) {
    ERR_clear_error();
    SSL_CTX_set_default_passwd_cb(context, give_password);
    // OpenSSL takes what it hands back for writable; the callback only reads.
    SSL_CTX_set_default_passwd_cb_userdata(context, const_cast<crypto::Secret *>(password.get()));
    auto taken = SSL_CTX_use_PrivateKey_file(context, file.c_str(), SSL_FILETYPE_PEM);
    SSL_CTX_set_default_passwd_cb_userdata(context, nullptr);
    SSL_CTX_set_default_passwd_cb(context, nullptr);
    return taken == 1;
}

Result<SslContext> TlsContexts::get(const TlsOptions &options) {
    auto written = written_at(options);
    for (auto entry = entries_.begin(); entry != entries_.end(); ++entry) {
        if (entry->options != options)
            continue;
        if (entry->written != written) {
            entries_.erase(entry);
            break;
        }
        entries_.splice(entries_.begin(), entries_, entry);
        return entries_.front().context;
    }
    DIVAN_TRY(auto context, make_context(options));
    entries_.push_front({options, std::move(written), context});
    if (entries_.size() > kContextsMax)
        entries_.pop_back();
    return context;
}

bool expect_host(SSL *ssl, const std::string &host, const TlsOptions &options) {
    bool address = is_address(host);
    // Names only: a server finds its certificate by it (RFC 6066, 3).
    if (!address && SSL_set_tlsext_host_name(ssl, host.c_str()) != 1)
        return false;
    if (!options.verify)
        return true;
    auto *parameters = SSL_get0_param(ssl);
    X509_VERIFY_PARAM_set_hostflags(parameters, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS |
                                                    X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
    return address ? X509_VERIFY_PARAM_set1_ip_asc(parameters, host.c_str()) == 1
                   : X509_VERIFY_PARAM_set1_host(parameters, host.c_str(), host.size()) == 1;
}

std::string tls_failure(SSL *ssl, const boost::system::error_code &error) {
    if (error.category() != boost::asio::error::get_ssl_category())
        return error == ssl::error::stream_truncated ? "it closed the connection without a word"
                                                     : error.message();
    auto code = static_cast<unsigned long>(error.value());
    if (ERR_GET_REASON(code) == SSL_R_CERTIFICATE_VERIFY_FAILED)
        return verify_failure(SSL_get_verify_result(ssl));
    if (ERR_GET_REASON(code) == SSL_R_WRONG_VERSION_NUMBER || ERR_GET_REASON(code) == SSL_R_HTTP_REQUEST)
        return "it does not speak TLS there";
    const char *reason = ERR_reason_error_string(code);
    return fmt::format("TLS failed ({})", reason != nullptr ? reason : error.message());
}

} // namespace divan::net
