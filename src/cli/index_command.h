#pragma once

// `divan index`: builds the views of a database on a running server and shows how far they are.

#include <string>

namespace divan::cli {

struct IndexCommand {
    std::string url; // empty: DIVAN_URL, or http://127.0.0.1:5984
    std::string database;
    std::string design_document; // with or without "_design/"; empty: all
    bool json = false;
};

// Prints to the standard output, errors to the standard error. Returns the exit status: 0 all views are
// built, 1 some are not, 2 the URL is wrong.
[[nodiscard]] int run_index(const IndexCommand &command);

} // namespace divan::cli
