#include "net/server_tls_context.h"

#include <openssl/x509v3.h>

namespace divan::net {
namespace {

template <typename T, auto Free> struct Freed {
    void operator()(T *what) const { Free(what); }
};

// A certificate has few; one with thousands is no use of them.
constexpr std::size_t kNamesMax = 100;

// "" also for a text with a NUL in it: whoever compares up to it would see another name.
std::string utf8(const ASN1_STRING *text) {
    unsigned char *bytes = nullptr;
    auto size = ASN1_STRING_to_UTF8(&bytes, text);
    if (size < 0)
        return {};
    std::string out(reinterpret_cast<char *>(bytes), static_cast<std::size_t>(size));
    OPENSSL_free(bytes);
    return out.find('\0') == std::string::npos ? out : std::string();
}

std::string subject_text(const X509_NAME *name) {
    std::unique_ptr<BIO, Freed<BIO, BIO_free_all>> out(BIO_new(BIO_s_mem()));
    // UTF-8 stays as it is; RFC 2253 lets both forms stand.
    X509_NAME_print_ex(out.get(), name, 0,
                       XN_FLAG_RFC2253 & ~static_cast<unsigned long>(ASN1_STRFLGS_ESC_MSB));
    char *bytes = nullptr;
    auto size = BIO_get_mem_data(out.get(), &bytes);
    return {bytes, static_cast<std::size_t>(size)};
}

std::string common_name(const X509_NAME *name) {
    int last = -1;
    for (int at = -1; (at = X509_NAME_get_index_by_NID(name, NID_commonName, at)) >= 0;)
        last = at;
    return last < 0 ? std::string() : utf8(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, last)));
}

void add_alternative_names(X509 *certificate, ClientCertificate &out) {
    std::unique_ptr<GENERAL_NAMES, Freed<GENERAL_NAMES, GENERAL_NAMES_free>> names(
        static_cast<GENERAL_NAMES *>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
    if (!names)
        return;
    for (int i = 0; i < sk_GENERAL_NAME_num(names.get()); ++i) {
        const auto *name = sk_GENERAL_NAME_value(names.get(), i);
        if (name->type != GEN_EMAIL && name->type != GEN_DNS)
            continue;
        auto text = utf8(name->d.ia5);
        auto &into = name->type == GEN_EMAIL ? out.emails : out.dns_names;
        if (!text.empty() && into.size() < kNamesMax)
            into.push_back(std::move(text));
    }
}

} // namespace

std::shared_ptr<const ClientCertificate> client_certificate(SSL *ssl) {
    auto *certificate = SSL_get0_peer_certificate(ssl);
    if (certificate == nullptr || SSL_get_verify_result(ssl) != X509_V_OK)
        return nullptr;
    auto out = std::make_shared<ClientCertificate>();
    const auto *name = X509_get_subject_name(certificate);
    out->subject = subject_text(name);
    out->common_name = common_name(name);
    add_alternative_names(certificate, *out);
    return out;
}

} // namespace divan::net
