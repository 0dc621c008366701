#pragma once

// Asks the validation function, or selector, of a design document about a write that nobody makes: for those
// who test design documents.

#include "design/design_document.h"
#include "script/pool.h"

#include <string>

namespace divan::design {

// JSON texts, as the function gets them.
struct TriedWrite {
    std::string new_document;
    std::string old_document; // "null": there is none
    std::string user_context; // {"db", "name", "roles"}
    std::string security;
};

// Waits for a worker, unless it is a selector: not for network threads. A document without a validation
// function accepts everything. Functions with another `database` share no process. The texts are canonical.
// Errors: as Validation::judge() gives them.
[[nodiscard]] Result<void> try_write(script::Pool &scripts, const std::string &database,
                                     const DesignDocument &document, TriedWrite write);

} // namespace divan::design
