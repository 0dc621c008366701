#pragma once

// Verifies the audit log in a data directory, for `divan audit verify`.

#include "audit/verify.h"

#include <functional>
#include <string>

namespace divan::server {

struct AuditFiles {
    std::string data_directory;
    std::string key_file;
    std::string anchors_file; // empty: none
};

// Reads only; a server that runs is not disturbed, but what it writes meanwhile may be missed. Errors: what
// cannot be read, and why.
[[nodiscard]] Result<audit::Verification>
verify_audit_log(const AuditFiles &files,
                 const std::function<void(std::uint64_t number, std::uint64_t count)> &progress);

} // namespace divan::server
