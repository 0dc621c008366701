#pragma once

// `divan test`: runs example documents through the functions of design documents, on a server of its own.

#include <string>

namespace divan::cli {

struct TestCommand {
    std::string path;   // a folder of test files, or one
    std::string filter; // only cases whose file or name has this text; empty: all
    bool json = false;
    std::string spidermonkey_version;
};

// Prints to the standard output, errors to the standard error. REQUIRES: SIGPIPE is ignored. Returns the exit
// status: 0 all cases passed, 1 some failed, 2 the path or a file is wrong.
[[nodiscard]] int run_tests(const TestCommand &command);

} // namespace divan::cli
