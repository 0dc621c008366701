#pragma once

// validate_doc_update as a selector, in design documents of the language "query": what it does not match is
// refused. It is matched against {"newDoc": ..., "oldDoc": ...} (CouchDB mango_native_proc.erl).
//
// Threads: one at a time.

#include "design/design_document.h"
#include "selector/selector.h"

#include <string>
#include <string_view>

namespace divan::design {

class SelectorValidation {
  public:
    // Errors: function_failed "invalid_selector" if what the document has is no selector.
    [[nodiscard]] static Result<SelectorValidation> make(const DesignDocument &document);

    // `write`: of write_text(). Errors: forbidden.
    [[nodiscard]] Result<void> judge(std::string_view write);

  private:
    explicit SelectorValidation(selector::Matcher matcher) : matcher_(std::move(matcher)) {}

    selector::Matcher matcher_;
};

// What selectors are matched against. The documents are canonical texts; "null": there is no old one.
[[nodiscard]] std::string write_text(std::string_view new_document, std::string_view old_document);

// Whether a design document may be saved with this `validate_doc_update`. Errors: invalid_design_doc.
[[nodiscard]] Result<void> check_selector_validation(const json::Value &selector,
                                                     const selector::Limits &limits);

} // namespace divan::design
