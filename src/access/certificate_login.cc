#include "access/certificate_login.h"

#include "config/config.h"
#include "net/server_tls.h"

namespace divan::access {
namespace {

std::optional<std::string> only_one(const std::vector<std::string> &names) {
    return names.size() == 1 ? std::optional(names.front()) : std::nullopt;
}

} // namespace

std::optional<std::string> certificate_user(const net::RequestHead &head, const config::Config &config) {
    if (!head.client_certificate)
        return std::nullopt;
    const auto &certificate = *head.client_certificate;
    auto part = config.text("ssl", "client_certificate_user");
    auto name = part == "email"      ? only_one(certificate.emails)
                : part == "dns_name" ? only_one(certificate.dns_names)
                : part == "subject"  ? std::optional(certificate.subject)
                                     : std::optional(certificate.common_name);
    return name && !name->empty() ? name : std::nullopt;
}

} // namespace divan::access
