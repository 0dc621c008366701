#pragma once

// Filters that requests name: functions of design documents (filter=ddoc/name and filter=_view), and
// selectors (filter=_selector).

#include "api/call.h"
#include "feed/filters.h"
#include "mango/projection.h"
#include "selector/selector.h"
#include "json/value.h"

#include <memory>
#include <optional>
#include <string>

namespace divan::api {

// feed::find_function_filter() in the call's database, for this request. `body`: its text. May block on the
// engine.
[[nodiscard]] Result<feed::FunctionFilter> find_function_filter(const Call &call, std::string_view section,
                                                                std::string_view name, const char *malformed,
                                                                const std::optional<std::string> &body);

// A selector of a request.
struct SelectorFilter {
    std::shared_ptr<const selector::Selector> selector;
    std::optional<mango::Projection> fields; // what is shown of documents; nullopt = all
};

// Reads `selector` and `fields` of a body. Errors: bad_request, as couch_changes says.
[[nodiscard]] Result<SelectorFilter> read_selector_filter(const json::Object &body,
                                                          const selector::Limits &limits);

} // namespace divan::api
