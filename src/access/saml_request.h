#pragma once

// What this server sends in SAML: requests to log somebody in, and its own metadata. Pure functions.

#include "crypto/signing_key.h"

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace divan::access {

struct SamlRequest {
    std::string id; // an XML name
    std::chrono::microseconds issued_at{};
    std::string login_url; // of the provider
    std::string entity_id; // of this server
    std::string acs_url;   // where the answer comes
    bool force_authn = false;
};

// An AuthnRequest (saml-core-2.0-os, 3.4.1).
[[nodiscard]] std::string saml_request_text(const SamlRequest &request);
// Where the browser brings it: binding HTTP-Redirect (saml-bindings-2.0-os, 3.4), signed if there is a key.
[[nodiscard]] std::string saml_request_url(const SamlRequest &request, std::string_view relay_state,
                                           const std::optional<crypto::SigningKey> &key);

// An EntityDescriptor of a service provider (saml-metadata-2.0-os, 2.4.4). `certificate`: in base64; empty:
// requests are not signed.
[[nodiscard]] std::string saml_service_metadata(std::string_view entity_id, std::string_view acs_url,
                                                std::string_view certificate);

} // namespace divan::access
