#pragma once

// Users whom a proxy before the server has authenticated, as couch_httpd_auth:proxy_auth_user does: the names
// of the headers are [chttpd_auth] x_auth_username, x_auth_roles and x_auth_token. With proxy_use_secret the
// token must be the HMAC of the name, in hex, under [chttpd_auth] secret; without it whoever reaches the
// server is believed, so only the proxy may.

#include "net/http.h"

#include <optional>
#include <string>
#include <vector>

namespace divan::config {
class Config;
}

namespace divan::access {

struct ProxyLogin {
    std::string name;
    std::vector<std::string> roles;
};

// nullopt: no name, or a token that is missing or wrong.
[[nodiscard]] std::optional<ProxyLogin> read_proxy_login(const net::RequestHead &head,
                                                         const config::Config &config);

} // namespace divan::access
