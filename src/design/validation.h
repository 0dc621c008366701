#pragma once

// validate_doc_update: the functions and selectors of design documents that judge writes.
//
// Every one of the database must pass. A function gets newDoc (with `_revisions`, `_deleted`, stubs of
// attachments; `_rev` is the revision that the writer names), oldDoc (null if there is none), userCtx and
// secObj, as couch_query_servers:validate_doc_update gives them. Selectors see the two documents, and come
// first: they cost no worker.
//
// Threads: any.

#include "db/write_validator.h"
#include "design/design_documents.h"
#include "design/function_error.h"

namespace divan::design {

// Why a validation function refused, as a request is answered. What else than an Error a function throws is
// its own message: CouchDB shows a string, and of an object the value of its member.
[[nodiscard]] Error refusal(script::FunctionError error);

class Validation final : public db::WriteValidator {
  public:
    // `log` gets what functions log, on threads of workers. All outlive the object.
    Validation(DesignDocuments &designs, script::Pool &scripts, FunctionLog log);

    // All but design documents, if there is a function.
    [[nodiscard]] std::optional<std::vector<bool>>
    judged_cached(const db::Database &database, const db::WriteContext &context, Edits edits) override;
    [[nodiscard]] Result<std::vector<bool>> judged(db::Database &database, const db::WriteContext &context,
                                                   Edits edits) override;
    // Errors of edits: forbidden and unauthorized as the function threw them; what else it did wrong as
    // to_error() says; function_failed "unknown_query_language" if the function is not JavaScript. Of
    // selectors: as SelectorValidation gives them.
    void judge(db::Database &database, const db::WriteContext &context, std::vector<db::JudgedEdit> edits,
               Done done) override;

  private:
    DesignDocuments &designs_;
    script::Pool &scripts_;
    const FunctionLog log_;
};

} // namespace divan::design
