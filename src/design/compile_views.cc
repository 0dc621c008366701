// Whether the functions of views compile.

#include "design/design_check.h"

#include "base/encoding.h"
#include "crypto/digest.h"
#include "design/design_document.h"
#include "doc/document_id.h"

#include <fmt/format.h>

namespace divan::design {
namespace {

// The functions of the views, named for the reason: "map function in the 'v' view".
std::shared_ptr<const script::Program> views_program(const DesignDocument &document,
                                                     const db::Database &database) {
    auto program = std::make_shared<script::Program>();
    program->database = database.uuid();
    program->design_id = document.id;
    for (const auto &view : document.views) {
        program->functions.push_back({fmt::format("map function in the '{}' view", view.name), view.map});
        if (!view.reduce.empty() && view.reduce[0] != '_')
            program->functions.push_back(
                {fmt::format("reduce function in the '{}' view", view.name), view.reduce});
    }
    if (!document.lib.empty())
        program->library = fmt::format("{{\"views\":{{\"lib\":{}}}}}", document.lib);
    std::string text = program->library;
    for (const auto &function : program->functions)
        text.append(1, '\0').append(function.name).append(1, '\0').append(function.source);
    program->key = "check " + hex_encode(crypto::md5(text));
    return program;
}

Error compilation_error(const script::Program &program, std::size_t function, std::string_view message) {
    return Error(ErrorCode::compilation_error,
                 fmt::format("Compilation of the {} failed: {}", program.functions[function].name, message));
}

using CompileErrors = std::vector<std::optional<script::FunctionError>>;

Result<void> compile_outcome(const script::Program &program, const Result<CompileErrors> &errors) {
    if (!errors.ok())
        return errors.error();
    for (std::size_t i = 0; i < errors->size() && i < program.functions.size(); ++i)
        if ((*errors)[i])
            return compilation_error(program, i, (*errors)[i]->reason);
    return {};
}

Result<DesignDocument> read_checked(const db::Edit &edit, bool partitioned, const selector::Limits &limits) {
    DIVAN_TRY_VOID(check_members(edit.json, partitioned, limits));
    return read_design_document(edit.id, "", edit.json, limits);
}

} // namespace

void check_design_document(const db::Edit &edit, const db::Database &database, const selector::Limits &limits,
                           script::Pool &scripts, UniqueFunction<void(Result<std::vector<Advice>>)> done) {
    if (!doc::is_design_id(edit.id)) {
        done(std::vector<Advice>());
        return;
    }
    auto document = read_checked(edit, database.partitioned(), limits);
    if (!document.ok()) {
        done(document.error());
        return;
    }
    if (!document->is_javascript() || document->views.empty()) {
        done(std::vector<Advice>());
        return;
    }
    auto program = views_program(*document, database);
    scripts.compile(program, [program, advice = advise(*document),
                              done = std::move(done)](Result<CompileErrors> errors) mutable {
        auto outcome = compile_outcome(*program, errors);
        if (outcome.ok())
            done(std::move(advice));
        else
            done(outcome.error());
    });
}

} // namespace divan::design
