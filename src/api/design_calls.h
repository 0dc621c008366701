#pragma once

// What the routes below a design document share.

#include "api/call.h"
#include "design/design_document.h"

#include <memory>
#include <string>

namespace divan::api {

// Errors: not_found "missing" or "deleted".
Task<Result<std::shared_ptr<const design::DesignDocument>>> find_design_document(Call &call, std::string id);
// That of the route's {ddoc}.
Task<Result<std::shared_ptr<const design::DesignDocument>>> find_design_document(Call &call);

// Refuses a method. The design document is looked for first: as in CouchDB a missing one is told first.
// `methods`: those that there are, "GET,POST,HEAD". Errors: not_found, method_not_allowed.
Task<Result<void>> refuse_design_method(Call &call, std::string methods);

// Refuses a path that is not whole. Errors: not_found, of the design document, or with the word "show_error",
// ...
Task<Result<void>> refuse_design_path(Call &call, std::string word);

// As handlers of routes.
template <const char *word> Task<Result<void>> refused_design_path(Call &call) {
    co_return co_await refuse_design_path(call, std::string(word));
}
template <const char *methods> Task<Result<void>> refused_design_method(Call &call) {
    co_return co_await refuse_design_method(call, std::string(methods));
}

} // namespace divan::api
