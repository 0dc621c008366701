#pragma once

// What a SAML identity provider answers: whether it counts for this server, this login and now
// (saml-profiles-2.0-os, 4.1.4), and what it makes of a user. Pure functions.

#include "access/external_user.h"
#include "access/saml_settings.h"
#include "base/result.h"
#include "xml/signature.h"

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace divan::access {

struct SamlResponseRules {
    std::string provider_entity_id;
    std::vector<xml::TrustedKey> keys; // of the provider
    std::string entity_id;             // of this server
    std::string acs_url;               // where the answer came
    std::string request_id;            // that it must answer
    // When somebody has to have logged in at the provider at the earliest; absent: whenever.
    std::optional<std::chrono::microseconds> logged_in_since = {};
    std::chrono::seconds leeway{};
    std::size_t bytes_max = 256 * 1024;
};

struct SamlAssertion {
    std::string id;
    std::chrono::microseconds valid_until{}; // since the epoch, the leeway included
    std::string name_id;                     // empty: there is none
    std::string name_format;
    std::vector<std::pair<std::string, std::vector<std::string>>> attributes;

    // All values of all attributes of that name.
    [[nodiscard]] std::vector<std::string> values(std::string_view name) const;
};

// The assertion of a response, read from nothing but what a key of the provider has signed: the assertion,
// the response that holds it, or both. Errors: unauthorized with what is wrong; no reason shows the response.
[[nodiscard]] Result<SamlAssertion> verify_saml_response(std::string_view text, std::chrono::microseconds now,
                                                         const SamlResponseRules &rules);

// Errors: forbidden if it gives no name.
[[nodiscard]] Result<ExternalUser> saml_user(const SamlAssertion &assertion, const SamlSettings &settings);

} // namespace divan::access
