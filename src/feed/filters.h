#pragma once

// Filters of readers that choose changes by their documents: functions of design documents and selectors.

#include "db/database.h"
#include "design/design_documents.h"
#include "script/program.h"
#include "selector/selector.h"
#include "json/value.h"

#include <memory>
#include <string>
#include <string_view>

namespace divan::feed {

// A function of a design document, looked up before the feed begins; it stays what it was.
struct FunctionFilter {
    std::shared_ptr<const script::Program> program; // one function
    bool is_map = false;                            // a view's map: what it emits something for passes
    std::string request;                            // the JSON text of `req`; not for maps
};

// Looks the function up; `request` is left to the caller. `name`: "ddoc/name"; `section`: "filters" or
// "views"; `malformed`: what is wrong with a name that has not two parts. May block on the engine. Errors:
// bad_request, not_found, function_failed "unknown_query_language".
[[nodiscard]] Result<FunctionFilter> find_function_filter(const std::shared_ptr<db::Database> &database,
                                                          design::DesignDocuments &designs,
                                                          std::string_view section, std::string_view name,
                                                          const char *malformed);

// Compiles the member `selector` of an object. Errors: bad_request, as couch_changes says.
[[nodiscard]] Result<std::shared_ptr<const selector::Selector>> read_selector(const json::Object &object,
                                                                              const selector::Limits &limits);

} // namespace divan::feed
