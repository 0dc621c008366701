#pragma once

// Users whom a certificate names that an authority of [ssl] cacert_file has signed for them: the handler
// `certificate`. [ssl] client_certificate_user says what of it is the name.

#include "net/http.h"

#include <optional>
#include <string>

namespace divan::config {
class Config;
}

namespace divan::access {

// nullopt: there is no certificate, or it does not have what is asked for, or more than one of it.
[[nodiscard]] std::optional<std::string> certificate_user(const net::RequestHead &head,
                                                          const config::Config &config);

} // namespace divan::access
