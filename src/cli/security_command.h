#pragma once

// `divan security`: the security report of ini files, without a server. A running one answers more at
// /_node/_local/_security_report.

#include <string>
#include <vector>

namespace divan::cli {

struct SecurityCommand {
    std::vector<std::string> config_files;
    std::string output; // file; empty: standard output
};

// The exit code: 0; 1 if a file cannot be read or written.
[[nodiscard]] int run_security(const SecurityCommand &command);

// The arguments with the command in the place of `--mode COMMAND`: `divan --config F --mode security` is
// `divan security --config F`.
[[nodiscard]] std::vector<std::string> with_mode_as_command(std::vector<std::string> arguments);

} // namespace divan::cli
