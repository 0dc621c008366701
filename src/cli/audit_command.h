#pragma once

// `divan audit verify`: whether the audit log in a data directory is what the server wrote.

#include <string>

namespace divan::cli {

struct AuditVerifyCommand {
    std::string data_directory;
    std::string key_file;
    std::string anchors_file; // empty: none
    bool json = false;
};

// Prints to the standard output, errors to the standard error. Returns the exit status: 0 nothing was
// changed, 1 something was, 2 it could not be verified.
[[nodiscard]] int run_audit_verify(const AuditVerifyCommand &command);

} // namespace divan::cli
