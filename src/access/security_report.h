#pragma once

// How the server is secured as it is configured now, and what should be mended.

#include "access/policy_set.h"
#include "config/config.h"
#include "json/value.h"

#include <chrono>
#include <string>
#include <vector>

namespace divan::access {

struct ReportFacts {
    std::string node_name;
    std::chrono::microseconds now{};
    // Null where the policies are not at hand: a report of ini files alone.
    const PolicySet *policies = nullptr;
    // Users whose roles make server admins of them, besides [admins].
    std::vector<std::string> admins_by_role;
};

// {"node_name", "configuration_timestamp", "authentication", "authorization", "encryption", "audit",
// "network_security", "server_admins", "findings"}. No secret is in it.
[[nodiscard]] json::Object security_report(const config::Config &config, const ReportFacts &facts);

} // namespace divan::access
