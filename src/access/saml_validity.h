#pragma once

// Internal to saml_response.h: whether a response and its assertion count here and now, whoever signed them.

#include "access/saml_response.h"
#include "xml/document.h"

namespace divan::access {

// unauthorized, as all that is refused.
[[nodiscard]] Error refused_response(std::string_view why);

[[nodiscard]] Result<void> check_saml_response(const xml::Element &response, const SamlResponseRules &rules);
// Until when it counts, the leeway included. It has a Subject then.
[[nodiscard]] Result<std::chrono::microseconds> check_saml_assertion(const xml::Element &assertion,
                                                                     std::chrono::microseconds now,
                                                                     const SamlResponseRules &rules);

} // namespace divan::access
