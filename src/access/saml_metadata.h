#pragma once

// What a SAML identity provider says of itself (saml-metadata-2.0-os).

#include "base/result.h"
#include "xml/signature.h"

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

namespace divan::access {

struct SamlProvider {
    std::string entity_id;
    std::string login_url; // SingleSignOnService, binding HTTP-Redirect
    std::vector<xml::TrustedKey> keys;
    bool wants_signed_requests = false;
};

struct SamlMetadataRules {
    std::string source;    // for people: where it was read
    std::string entity_id; // empty: the only provider in it
    bool keys_needed = true;
    std::size_t bytes_max = 256 * 1024;
};

// Reads it; the metadata may be of many entities. Its signature is not looked at: it is believed because of
// where it was read. Keys that cannot be used are left out. Errors: service_unavailable naming the source and
// what is wrong.
[[nodiscard]] Result<SamlProvider> parse_saml_metadata(std::string_view text, std::chrono::microseconds now,
                                                       const SamlMetadataRules &rules);

} // namespace divan::access
