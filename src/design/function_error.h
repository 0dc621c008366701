#pragma once

// Functions of design documents as programs, and what they did wrong as errors of requests.

#include "base/result.h"
#include "db/database.h"
#include "design/design_document.h"
#include "script/pool.h"

#include <functional>
#include <memory>
#include <string_view>

namespace divan::design {

// The error that CouchDB answers: status by the word if it is one that functions use for one, else 500 with
// the function's own word.
[[nodiscard]] Error to_error(const script::FunctionError &error);

// Errors: function_failed "unknown_query_language" unless the document's functions are JavaScript.
[[nodiscard]] Result<void> require_javascript(const DesignDocument &document);

// What log() was given, with the id of the design document. Any thread; must not block.
using FunctionLog = std::function<void(std::string_view design_id, const script::LogLine &line)>;

// One function of a design document ("filters.big") as a program of its own, so that one that does not
// compile harms no other.
[[nodiscard]] std::shared_ptr<const script::Program> function_program(const db::Database &database,
                                                                      const DesignDocument &document,
                                                                      std::string path, std::string source,
                                                                      bool renders = false);
// The same of a database that is not open: `database` stands for its uuid.
[[nodiscard]] std::shared_ptr<const script::Program> function_program(std::string database,
                                                                      const DesignDocument &document,
                                                                      std::string path, std::string source,
                                                                      bool renders = false);

} // namespace divan::design
