#pragma once

// The settings of [saml] and [saml_roles], read and checked.

#include "access/provider_settings.h"
#include "base/result.h"
#include "crypto/signing_key.h"
#include "xml/signature.h"

#include <chrono>
#include <optional>
#include <string>

namespace divan::access {

struct SamlSettings : ProviderSettings {
    std::string idp_metadata_url; // one of these two
    std::string idp_metadata_file;
    std::string idp_entity_id;        // empty: the only one of the metadata
    std::string idp_certificate_file; // empty: the keys of the metadata
    std::string entity_id;            // never empty
    std::string base_url;             // without a slash at its end; empty: by the host that was asked
    std::string name_attribute;       // empty: NameID
    std::string roles_attribute;
    std::string key_file; // empty: requests are not signed
    std::string certificate_file;
    Millis refresh_interval{};
    bool force_authn = false;

    // What errors call the provider: without a query, which may hold secrets.
    [[nodiscard]] std::string provider() const {
        return idp_metadata_url.empty() ? idp_metadata_file
                                        : idp_metadata_url.substr(0, idp_metadata_url.find('?'));
    }
};

// What the files hold that the settings name.
struct SamlKeys {
    std::optional<xml::TrustedKey> pinned; // of idp_certificate_file
    std::optional<crypto::SigningKey> signing;
    std::string certificate; // base64 of the own one; empty: there is none
};

// Errors: bad_request naming the setting and what to do.
[[nodiscard]] Result<SamlSettings> read_saml_settings(const config::Config &config);
// Blocks. Errors: bad_request naming the setting and what to do.
[[nodiscard]] Result<SamlKeys> read_saml_keys(const SamlSettings &settings);
// At the start: whether they can be used, with their files, if [saml] enable is set. From then on changes
// that cannot be are refused, too. Errors: as those above.
[[nodiscard]] Result<void> check_saml_settings(config::Config &config);

} // namespace divan::access
