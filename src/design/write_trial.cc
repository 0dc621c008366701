#include "design/write_trial.h"

#include "design/function_error.h"
#include "design/selector_validation.h"
#include "design/validation.h"

namespace divan::design {

Result<void> try_write(script::Pool &scripts, const std::string &database, const DesignDocument &document,
                       TriedWrite write) {
    if (document.validate_doc_update.empty())
        return {};
    if (document.language == "query") {
        DIVAN_TRY(auto validation, SelectorValidation::make(document));
        return validation.judge(write_text(write.new_document, write.old_document));
    }
    if (!document.is_javascript())
        return Error(ErrorCode::function_failed, "unknown_query_language", document.language);
    script::CallRequest request{
        function_program(database, document, "validate_doc_update", document.validate_doc_update), {}};
    request.invocations.push_back({0,
                                   {std::move(write.new_document), std::move(write.old_document),
                                    std::move(write.user_context), std::move(write.security)}});
    DIVAN_TRY(auto answer, script::wait_for<script::CallAnswer>(
                               [&](auto done) { scripts.call(std::move(request), std::move(done)); }));
    if (answer.values.empty())
        return ErrorCode::internal_server_error;
    if (const auto *error = std::get_if<script::FunctionError>(&answer.values.front()))
        return refusal(*error);
    return {};
}

} // namespace divan::design
