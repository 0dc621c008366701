#pragma once

// The settings of [oidc] and [oidc_roles], read and checked.

#include "access/provider_settings.h"
#include "base/result.h"
#include "crypto/secret.h"

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

namespace divan::access {

struct OidcSettings : ProviderSettings {
    std::string issuer;
    std::string client_id;
    crypto::SharedSecret client_secret; // empty: a public client
    std::string redirect_uri;           // empty: by the host that was asked
    std::string scopes;
    std::string name_claim;
    bool name_fallback_sub = false;
    std::vector<std::string> roles_path;
    bool userinfo = true;
    std::string post_logout_redirect_uri;
    std::size_t token_bytes_max = 0;
    Millis refresh_interval{};
    Millis request_interval{};
};

// Errors: bad_request naming the setting and what to do.
[[nodiscard]] Result<OidcSettings> read_oidc_settings(const config::Config &config);
// At the start: whether they can be used, if [oidc] enable is set. From then on changes that cannot be are
// refused, too. Errors: as read_oidc_settings().
[[nodiscard]] Result<void> check_oidc_settings(config::Config &config);

} // namespace divan::access
