#include "api/function_calls.h"

#include "design/function_document.h"
#include "design/function_error.h"
#include "telemetry/log.h"

#include <fmt/format.h>

namespace divan::api {

Result<std::shared_ptr<const script::Program>> find_function(const Call &call,
                                                             const design::DesignDocument &document,
                                                             std::string_view section, std::string_view name,
                                                             bool renders) {
    DIVAN_TRY(auto source, document.function(section, name));
    DIVAN_TRY_VOID(design::require_javascript(document));
    return design::function_program(*call.database, document, fmt::format("{}.{}", section, name),
                                    std::move(source), renders);
}

void log_lines(const Call &call, std::string_view design_id, const std::vector<script::LogLine> &lines) {
    for (const auto &line : lines)
        call.services().log.write(telemetry::Level::info, call.request_id,
                                  fmt::format("{} {}: {}", design_id, line.function, line.text));
}

Task<Result<std::string>> call_function(Call &call, std::shared_ptr<const script::Program> program,
                                        std::vector<std::string> arguments) {
    using Answer = Result<script::CallAnswer>;
    script::CallRequest request;
    request.program = program;
    request.invocations.push_back({0, std::move(arguments)});
    auto answer = co_await suspend<Answer>([&call, &request](Resume<Answer> resume) {
        auto &home = call.exchange().executor();
        call.services().scripts.call(std::move(request), [&home, resume](Answer given) {
            home.post([resume, given = std::move(given)]() mutable { resume(std::move(given)); });
        });
    });
    if (!answer.ok())
        co_return answer.error();
    log_lines(call, program->design_id, answer->log);
    if (answer->values.size() != 1)
        co_return ErrorCode::script_failed;
    if (const auto *error = std::get_if<script::FunctionError>(&answer->values.front()))
        co_return design::to_error(*error);
    co_return std::get<std::string>(std::move(answer->values.front()));
}

Result<std::optional<FunctionDocument>> read_function_document(db::Database &database,
                                                               const std::string &id) {
    DIVAN_TRY(auto head, database.head(id));
    if (!head || head->deleted)
        return std::optional<FunctionDocument>();
    DIVAN_TRY(auto tree, database.tree(*head));
    auto winner = tree.winner();
    DIVAN_TRY(auto body, database.body(*head, winner.rev, winner.info));
    if (winner.info.deleted || !body)
        return std::optional<FunctionDocument>();
    return std::optional(
        FunctionDocument{winner.rev.text(),
                         design::function_document(id, *tree.path(winner.rev), false, *body, tree.leaves())});
}

} // namespace divan::api
