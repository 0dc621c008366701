#pragma once

// Calls of functions of design documents, as handlers make them.

#include "api/call.h"
#include "design/design_document.h"
#include "script/pool.h"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace divan::api {

// The function json[section][name] as a program. Errors: not_found "missing json key: NAME"; function_failed
// "unknown_query_language" if the document's functions are not JavaScript.
[[nodiscard]] Result<std::shared_ptr<const script::Program>>
find_function(const Call &call, const design::DesignDocument &document, std::string_view section,
              std::string_view name, bool renders = false);

// Calls the program's one function and goes on here with the JSON text of what it returned. Errors: what the
// function threw (design::to_error); those of script::Pool.
Task<Result<std::string>> call_function(Call &call, std::shared_ptr<const script::Program> program,
                                        std::vector<std::string> arguments);

// What functions logged goes to the server's log.
void log_lines(const Call &call, std::string_view design_id, const std::vector<script::LogLine> &lines);

// The winner of a document as functions get it; nothing if there is no document, or it is deleted. May block
// on the engine.
struct FunctionDocument {
    std::string rev;
    std::string json;
};
[[nodiscard]] Result<std::optional<FunctionDocument>> read_function_document(db::Database &database,
                                                                             const std::string &id);

} // namespace divan::api
