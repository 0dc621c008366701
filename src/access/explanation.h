#pragma once

// Why somebody may do something, or not: the decision itself, taken as for a request, and what decided.

#include "access/gate.h"
#include "access/users.h"
#include "base/clock.h"
#include "json/value.h"

#include <optional>
#include <string>

namespace divan::access {

struct Question {
    Principal principal;
    std::string operation; // "read", "write", "design", ...: a Grant
    std::string database;
    // An id, whose winner is judged; or with `document` a body that would be written, or read if it were
    // there.
    std::string document_id;
    std::optional<json::Object> document;
};

// {"document_id", "user_id", "operation", "access_granted", "validation_timestamp", "permissions_checked",
// "access_reason", "security_warnings"}. Blocks on the engine. Errors: bad_request for an operation that
// there is not, and those of reading.
[[nodiscard]] Result<json::Object> explain_access(const Gate &gate, Users &users, const Question &question,
                                                  std::chrono::microseconds now);

} // namespace divan::access
