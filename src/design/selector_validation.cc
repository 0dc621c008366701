#include "design/selector_validation.h"

#include <fmt/format.h>

namespace divan::design {

Result<SelectorValidation> SelectorValidation::make(const DesignDocument &document) {
    if (document.validation_selector == nullptr)
        return Error(ErrorCode::function_failed, "invalid_selector",
                     fmt::format("`validate_doc_update` of {} is not a selector.", document.id));
    return SelectorValidation(selector::Matcher(document.validation_selector));
}

Result<void> SelectorValidation::judge(std::string_view write) {
    if (matcher_.matches(write))
        return {};
    return Error(ErrorCode::forbidden, "document is not valid");
}

std::string write_text(std::string_view new_document, std::string_view old_document) {
    return fmt::format(R"({{"newDoc":{},"oldDoc":{}}})", new_document, old_document);
}

Result<void> check_selector_validation(const json::Value &selector, const selector::Limits &limits) {
    if (!selector.is_object())
        return Error(ErrorCode::invalid_design_doc,
                     "`validate_doc_update` must be a selector, because the language is `query`.");
    auto compiled = selector::Selector::compile(selector, limits);
    if (!compiled.ok())
        return Error(ErrorCode::invalid_design_doc,
                     fmt::format("`validate_doc_update` is not a selector: {}", compiled.error().reason()));
    return {};
}

} // namespace divan::design
